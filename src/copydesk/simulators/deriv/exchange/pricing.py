"""What a contract costs and what it is worth (facts §5.3): no drift, σ by symbol, the house's margin on top."""

from decimal import ROUND_HALF_UP, Decimal
from math import erf, log, sqrt

from copydesk.simulators.deriv.exchange.walk import YEAR_S

MARGIN = Decimal("0.0128")  # c in payout = stake / (0.5 + c): about ×1.95
CENT = Decimal("0.01")
_EVEN = Decimal("0.5")
_SMALLEST = Decimal("0.000001")
RISING = frozenset({"CALL", "CALLE"})


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def chance(contract_type: str, *, spot: Decimal, barrier: Decimal | None, volatility: int, seconds: int) -> Decimal:
    """That it pays, 0 to 1; without a barrier, as long as there is no entry spot, exactly one half."""
    if barrier is None or (spot == barrier and seconds <= 0):
        return _EVEN
    above = _above(float(spot), float(barrier), volatility / 100 * sqrt(max(seconds, 0) / YEAR_S))
    return above if contract_type in RISING else 1 - above


def _above(spot: float, barrier: float, deviation: float) -> Decimal:
    """N(d2): the chance that a log-normal price without drift ends above the barrier."""
    if barrier <= 0:
        return Decimal(1)
    if deviation == 0:
        return Decimal(int(spot > barrier))
    d2 = (log(spot / barrier) - deviation**2 / 2) / deviation
    return Decimal((1 + erf(d2 / sqrt(2))) / 2).quantize(_SMALLEST)
