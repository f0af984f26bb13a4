"""A Martingale ladder: what each level stakes, and where one ladder stands. Money in whole cents."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from copydesk.domain.signal import Right
from copydesk.ports.strategy import BuyContract

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Half a cent goes up, as at Deriv."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def stake_at(level: int, *, initial_stake: Decimal, multiplier: Decimal) -> Decimal:
    """Levels count from 1."""
    return cents(initial_stake * multiplier ** (level - 1))


def stakes_of(levels: int, *, initial_stake: Decimal, multiplier: Decimal) -> Sequence[Decimal]:
    return [stake_at(level, initial_stake=initial_stake, multiplier=multiplier) for level in range(1, levels + 1)]


class Ladder(Struct, frozen=True, kw_only=True):
    """One that waits for the contract of its `level`. It keeps its stakes to its end, whatever the settings become.

    A ladder is on paper or real from its first level to its last.
    """

    number: int
    right: Right
    entry_streak: int
    opened_ms: int
    initial_stake: Decimal
    multiplier: Decimal
    duration_s: int
    paper: bool
    level: int = 1
    result: Decimal = Decimal(0)

    @property
    def stake(self) -> Decimal:
        return stake_at(self.level, initial_stake=self.initial_stake, multiplier=self.multiplier)

    @property
    def next_stake(self) -> Decimal:
        return stake_at(self.level + 1, initial_stake=self.initial_stake, multiplier=self.multiplier)

    @property
    def contract_number(self) -> str:
        return f"{self.number}-{self.level}"

    def wish(self) -> BuyContract:
        """The contract of its level."""
        return BuyContract(
            number=self.contract_number,
            right=self.right,
            stake=self.stake,
            duration_s=self.duration_s,
            level=self.level,
            paper=self.paper,
        )
