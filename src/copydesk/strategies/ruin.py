"""The ruin card: what a Martingale ladder stakes, what a win at each level really brings, and how likely its end is.

Pure arithmetic, to be read before a bot starts. The chances assume that every contract is a fair coin of `win_chance`,
independent of what came before. For Deriv's synthetic indices that is how they are made: a streak foretells nothing.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from math import log

from msgspec import Struct

from copydesk.strategies.ladder import cents, stakes_of
from copydesk.strategies.settings import refuse
from copydesk.strategies.streak import StreakSettings

EVEN = Decimal("0.5")

PAYOUT = Decimal("1.95")
"""What comes back for 1 staked on a rise/fall contract, the stake included: about what Deriv pays, seen and not documented."""

_PERCENT = Decimal("0.000001")


class Level(Struct, frozen=True, kw_only=True):
    """`net_if_won` is the whole ladder's result when this level wins; `lost_so_far` its result when this one loses too.

    `chance_pct` is how often a ladder comes this far; `limits` what stands in the way here.
    """

    level: int
    stake: Decimal
    lost_so_far: Decimal
    balance_left: Decimal
    net_if_won: Decimal
    chance_pct: Decimal
    limits: tuple[str, ...]


class RuinCard(Struct, frozen=True, kw_only=True):
    """`last_level` is where a losing ladder really ends: at `max_level`, or earlier by a limit."""

    balance: Decimal
    payout: Decimal
    win_chance: Decimal
    levels: tuple[Level, ...]
    last_level: int
    loss_at_the_end: Decimal
    chance_of_the_end_pct: Decimal
    expected_result: Decimal
    ladders_to_even_odds: int | None
    first_losing_win: int | None
    funded: bool


def ruin_card(
    settings: StreakSettings,
    *,
    balance: Decimal,
    payout: Decimal,
    win_chance: Decimal = EVEN,
    stake_max: Decimal | None = None,
) -> RuinCard:
    """`payout` is what comes back for 1 staked, the stake included (1.95)."""
    stakes = stakes_of(settings.max_level, initial_stake=settings.initial_stake, multiplier=settings.multiplier)
    loses = 1 - win_chance
    levels = tuple(
        _level(number, stakes, settings, balance=balance, payout=payout, loses=loses, stake_max=stake_max)
        for number in range(1, len(stakes) + 1)
    )
    last = _last_level(levels, settings)
    end = loses**last
    wins = sum((one.net_if_won * win_chance * loses ** (one.level - 1) for one in levels[:last]), Decimal(0))
    loss = levels[last - 1].lost_so_far if last else Decimal(0)
    return RuinCard(
        balance=balance,
        payout=payout,
        win_chance=win_chance,
        levels=levels,
        last_level=last,
        loss_at_the_end=loss,
        chance_of_the_end_pct=_pct(end) if last else Decimal(0),
        expected_result=(wins - end * loss).quantize(Decimal("0.0001"), ROUND_HALF_EVEN) if last else Decimal(0),
        ladders_to_even_odds=_even_odds(end) if last else None,
        first_losing_win=next((one.level for one in levels if one.net_if_won < 0), None),
        funded=sum(stakes, Decimal(0)) <= balance,
    )


def demand_funded(card: RuinCard, settings: StreakSettings) -> None:
    """Raises InvalidInput for a ladder that the balance cannot pay to its end, unless that was accepted by name."""
    if card.funded or settings.accept_unfunded_ladder:
        return
    total = card.levels[-1].lost_so_far
    refuse(
        "max_level",
        f"the ladder of {settings.max_level} levels costs {total}, the balance is {card.balance}; lower max_level, "
        "initial_stake or multiplier, or say accept_unfunded_ladder=yes",
    )


def _level(
    number: int,
    stakes: Sequence[Decimal],
    settings: StreakSettings,
    *,
    balance: Decimal,
    payout: Decimal,
    loses: Decimal,
    stake_max: Decimal | None,
) -> Level:
    stake, lost_before = stakes[number - 1], sum(stakes[: number - 1], Decimal(0))
    lost = lost_before + stake
    limits = []
    if lost > balance:
        limits.append("not funded")
    if stake_max is not None and stake > stake_max:
        limits.append("stake above the limit")
    if balance > 0 and lost / balance * 100 >= settings.max_drawdown:
        limits.append("drawdown stop")
    return Level(
        level=number,
        stake=stake,
        lost_so_far=lost,
        balance_left=balance - lost,
        net_if_won=cents(stake * payout) - lost,
        chance_pct=_pct(loses ** (number - 1)),
        limits=tuple(limits),
    )


def _last_level(levels: Sequence[Level], settings: StreakSettings) -> int:
    """0 where not even the first level can be played."""
    for one in levels:
        if "not funded" in one.limits or "stake above the limit" in one.limits:
            return one.level - 1
        if "drawdown stop" in one.limits:
            return one.level
    return settings.max_level


def _pct(chance: Decimal) -> Decimal:
    # Told which way: ccxt changes the habit of the whole program.
    return (chance * 100).quantize(_PERCENT, ROUND_HALF_EVEN)


def _even_odds(end: Decimal) -> int | None:
    """After so many ladders the end was more likely met than not."""
    if not 0 < end < 1:
        return None
    return round(log(0.5) / log(1 - float(end)))
