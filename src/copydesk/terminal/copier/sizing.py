"""How many lots: fixed or a multiple of the master's, in this broker's contracts and steps, never rounded up. Pure."""

from decimal import Decimal

from copydesk.domain.instrument import plain, round_down
from copydesk.terminal.codec import Symbol
from copydesk.terminal.copier.commands import Command, Skipped, Wishes

PART_STEP = Decimal("0.00000001")


def lots_to_open(command: Command, wishes: Wishes, symbol: Symbol, price: Decimal) -> Decimal | Skipped:
    """In steps of the symbol. A multiple is of what the master really holds: 1 lot of 100 oz is 10 lots of 10 oz.

    Without a master's volume, margin × leverage is what the position is worth; `price` is this broker's, in its own currency.
    """
    sized = _wanted(command, wishes, symbol, price)
    if isinstance(sized, Skipped):
        return sized
    wanted, how = sized
    lots = _in_steps(wanted, symbol)
    if lots < symbol.volume_min:
        least = plain(symbol.volume_min)
        return Skipped(rule="volume", reason=f"{how} is below the least of {least} lots on {symbol.name}")
    return min(lots, _in_steps(symbol.volume_max, symbol))


def lots_to_close(fraction: Decimal, held: Decimal, symbol: Symbol) -> Decimal | Skipped:
    """All of it where the rest could not be held, or where all is meant. A part below the step stays open and is told."""
    if fraction >= 1:
        return held
    # A third of 0.03 is 0.01: fractions come with the last digit cut off.
    lots = _in_steps((held * fraction).quantize(PART_STEP), symbol)
    if lots < symbol.volume_min:
        part, least = plain(held * fraction), plain(symbol.volume_min)
        return Skipped(rule="volume", reason=f"the part of {part} lots is below the least of {least} on {symbol.name}")
    return held if held - lots < symbol.volume_min else lots


def contract_ratio(command: Command, symbol: Symbol) -> Decimal:
    """Lots here for a lot there; 1 where the master's contract was not told."""
    if command.contract is None or not symbol.trade_contract_size:
        return Decimal(1)
    return command.contract.size / symbol.trade_contract_size


def _wanted(command: Command, wishes: Wishes, symbol: Symbol, price: Decimal) -> tuple[Decimal, str] | Skipped:
    """Lots before any rounding, and how they came about."""
    share = "" if command.fraction == 1 else f" × {plain(command.fraction)} grown"
    if command.volume is None:
        worth = symbol.trade_contract_size * price
        if wishes.margin_usd is None or wishes.leverage is None or not worth:
            reason = f"nothing says how much: no master's volume, and no margin for {symbol.name}"
            return Skipped(rule="volume", reason=reason)
        how = f"{plain(wishes.margin_usd)} × {wishes.leverage} ÷ {plain(worth)}{share}"
        return wishes.margin_usd * wishes.leverage / worth * command.fraction, how
    if wishes.mode == "fix":
        return wishes.fixed_lot * command.fraction, f"fixed {plain(wishes.fixed_lot)}{share}"
    ratio = contract_ratio(command, symbol)
    contracts = f" × {plain(ratio)} contracts" if ratio != 1 else ""
    return (
        command.volume * wishes.multiplier * ratio,
        f"{plain(command.volume)} × {plain(wishes.multiplier)}{contracts}",
    )


def _in_steps(lots: Decimal, symbol: Symbol) -> Decimal:
    return round_down(lots, symbol.volume_step) if symbol.volume_step else lots
