"""What is agreed when a contract is bought, and what that costs at a given moment."""

from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.deriv.exchange.pricing import RISING, cents, chance
from copydesk.simulators.deriv.exchange.refusals import RefusedError
from copydesk.simulators.deriv.exchange.symbols import SYMBOLS, Symbol

DAY_S = 86_400
STAKE_MIN = Decimal("0.35")  # facts §5.3
PAYOUT_MAX = Decimal(50_000)
_HOPELESS = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """``unit``: t ticks, s seconds, d days (to the end of the last one, UTC), or at: ``duration`` is then an epoch.

    ``barrier``: as written; with a sign it counts from the entry spot, without one the entry spot itself is the barrier.
    """

    contract_type: str
    symbol: str
    currency: str
    basis: str
    amount: Decimal
    duration: int
    unit: str
    barrier: str | None = None

    @property
    def market(self) -> Symbol:
        return SYMBOLS[self.symbol]

    @property
    def ticks(self) -> int | None:
        return self.duration if self.unit == "t" else None

    def expiry(self, start: int) -> int:
        """The epoch it ends at; of ticks, when the last one is to be expected."""
        match self.unit:
            case "t":
                return start + self.duration * self.market.every_s
            case "d":
                return start - start % DAY_S + (self.duration + 1) * DAY_S - 1
            case "at":
                return self.duration
            case _:
                return start + self.duration

    def barrier_from(self, entry: Decimal) -> Decimal:
        if self.barrier is None:
            return entry
        return entry + Decimal(self.barrier) if self.barrier[0] in "+-" else Decimal(self.barrier)

    def wins(self, entry: Decimal, exit_spot: Decimal) -> bool:
        """Strictly above or below; CALLE and PUTE also when equal (facts §5.3)."""
        barrier = self.barrier_from(entry)
        if exit_spot == barrier:
            return self.contract_type in {"CALLE", "PUTE"}
        return (exit_spot > barrier) == (self.contract_type in RISING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    ask: Decimal
    payout: Decimal


def price(terms: Terms, *, spot: Decimal, now_s: int, margin: Decimal) -> Offer:
    """Raises RefusedError when the amounts are out of bounds or nothing could be won."""
    seconds = terms.expiry(now_s) - now_s
    if seconds <= 0:
        raise RefusedError("InvalidtoBuy", "This contract has expired already.")
    fair = chance(
        terms.contract_type,
        spot=spot,
        barrier=None if terms.barrier is None else terms.barrier_from(spot),
        volatility=terms.market.volatility,
        seconds=seconds,
    )
    share = fair + margin
    if fair < _HOPELESS or share >= 1:
        raise RefusedError("ContractBuyValidationError", "This contract offers no return.")
    stakes = terms.basis == "stake"
    offer = Offer(
        ask=terms.amount if stakes else cents(terms.amount * share),
        payout=cents(terms.amount / share) if stakes else terms.amount,
    )
    if offer.ask < STAKE_MIN or offer.payout > PAYOUT_MAX:
        limits = f"Minimum stake of {STAKE_MIN} and maximum payout of {PAYOUT_MAX}.00."
        told = f"Current stake is {offer.ask}." if offer.ask < STAKE_MIN else f"Current payout is {offer.payout}."
        raise RefusedError("ContractBuyValidationError", f"{limits} {told}")
    return offer


def worth(
    terms: Terms, *, payout: Decimal, entry: Decimal | None, spot: Decimal, left_s: int, margin: Decimal
) -> Decimal:
    """What the house would pay for it now."""
    barrier = None if entry is None else terms.barrier_from(entry)
    fair = chance(
        terms.contract_type, spot=spot, barrier=barrier, volatility=terms.market.volatility, seconds=max(left_s, 1)
    )
    return cents(payout * max(Decimal(0), fair - margin))
