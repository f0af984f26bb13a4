"""From the words of a request to terms that can be priced; what the house does not offer is refused here."""

from decimal import Decimal
from typing import Any

from copydesk.simulators.deriv.calls.call import Call
from copydesk.simulators.deriv.exchange.pricing import cents
from copydesk.simulators.deriv.exchange.refusals import RefusedError
from copydesk.simulators.deriv.exchange.symbols import Symbol
from copydesk.simulators.deriv.exchange.terms import DAY_S, PAYOUT_MAX, Terms

OFFERED = frozenset({"CALL", "PUT", "CALLE", "PUTE"})
TICKS_MAX = 10
SECONDS_MIN = 15
DAYS_MAX = 365
_AMOUNT_MAX = PAYOUT_MAX * 1_000  # beyond it nothing needs to be computed
_UNIT_S = {"s": 1, "m": 60, "h": 3_600}
_FOREIGN = ("barrier2", "barrier_range", "cancellation", "growth_rate", "limit_order", "multiplier", "selected_tick")


def decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def read_terms(call: Call, wish: dict[str, Any]) -> Terms:
    """Raises RefusedError; ``wish`` has the shape that the schema wants already."""
    feed = call.feed(wish[call.session.dialect.symbol])
    contract_type = wish["contract_type"]
    if contract_type not in OFFERED or any(name in wish for name in _FOREIGN):
        raise RefusedError("OfferingsValidationError", "Trading is not offered for this contract type.")
    if wish.get("date_start", 0) > call.exchange.now_s:
        raise RefusedError("OfferingsValidationError", "Trading is not offered for contracts that start later.")
    currency = "USD" if call.session.account is None else call.session.account.currency
    if wish["currency"] != currency:
        raise RefusedError("ContractBuyValidationError", f"The provided currency {wish['currency']} is invalid.")
    duration, unit = _duration(wish, call.exchange.now_s)
    return Terms(
        contract_type=contract_type,
        symbol=feed.symbol.code,
        currency=currency,
        basis=_basis(wish),
        amount=_amount(wish),
        duration=duration,
        unit=unit,
        barrier=_barrier(wish, feed.symbol),
    )


def _basis(wish: dict[str, Any]) -> str:
    basis = wish.get("basis")
    if not isinstance(basis, str):
        raise RefusedError("ContractCreationFailure", "Basis must be `stake` or `payout` for this contract.")
    return basis


def _amount(wish: dict[str, Any]) -> Decimal:
    amount = decimal(wish.get("amount", 0))
    if amount > _AMOUNT_MAX:
        raise RefusedError("ContractBuyValidationError", f"Maximum payout of {PAYOUT_MAX}.00.")
    if amount <= 0:
        raise RefusedError("ContractBuyValidationError", "Please enter a stake or payout amount.")
    if amount != cents(amount):
        raise RefusedError("ContractBuyValidationError", "Stake can not have more than 2 decimal places.")
    return cents(amount)


def _barrier(wish: dict[str, Any], symbol: Symbol) -> str | None:
    barrier = wish.get("barrier")
    if barrier is None:
        return None
    if wish["contract_type"] not in {"CALL", "PUT"}:
        raise RefusedError("ContractCreationFailure", "Invalid barrier.")
    if Decimal(barrier) % symbol.pip:
        told = f"Barrier can only be up to {symbol.pip_size} decimal places."
        raise RefusedError("ContractCreationFailure", told)
    return str(barrier)


def _duration(wish: dict[str, Any], now_s: int) -> tuple[int, str]:
    """Its length and unit, as Terms has them."""
    if "date_expiry" in wish:
        _check_span(wish["date_expiry"] - now_s)
        return wish["date_expiry"], "at"
    duration, unit = wish.get("duration"), wish.get("duration_unit", "s")
    if duration is None:
        raise RefusedError("ContractCreationFailure", "Either duration or date_expiry is required.")
    if unit == "t":
        if not 1 <= duration <= TICKS_MAX:
            raise RefusedError("OfferingsValidationError", f"Number of ticks must be between 1 and {TICKS_MAX}.")
        return duration, "t"
    if unit == "d":
        _check_span(duration * DAY_S)
        return duration, "d"
    _check_span(duration * _UNIT_S[unit])
    return duration * _UNIT_S[unit], "s"


def _check_span(seconds: int) -> None:
    if not SECONDS_MIN <= seconds <= DAYS_MAX * DAY_S:
        raise RefusedError("OfferingsValidationError", "Trading is not offered for this duration.")
