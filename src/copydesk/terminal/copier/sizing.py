"""How many lots: fixed or a multiple of the master's, in this broker's contracts and steps, never rounded up. Pure."""

from decimal import Decimal

from copydesk.domain.instrument import plain, round_down
from copydesk.terminal.codec import Symbol
from copydesk.terminal.copier.commands import Command, Skipped, Wishes


def lots_to_open(command: Command, wishes: Wishes, symbol: Symbol) -> Decimal | Skipped:
    """In steps of the symbol. A multiple is of what the master really holds: 1 lot of 100 oz is 10 lots of 10 oz."""
    wanted, how = wishes.fixed_lot, f"fixed {plain(wishes.fixed_lot)}"
    if wishes.mode == "multiplier":
        ratio = contract_ratio(command, symbol)
        wanted = command.volume * wishes.multiplier * ratio
        how = f"{plain(command.volume)} × {plain(wishes.multiplier)}" + (
            f" × {plain(ratio)} contracts" if ratio != 1 else ""
        )
    lots = round_down(wanted, symbol.volume_step) if symbol.volume_step else wanted
    if lots < symbol.volume_min:
        return Skipped(
            rule="volume", reason=f"{how} is below the least of {plain(symbol.volume_min)} lots on {symbol.name}"
        )
    return min(lots, round_down(symbol.volume_max, symbol.volume_step) if symbol.volume_step else symbol.volume_max)


def lots_to_close(fraction: Decimal, held: Decimal, symbol: Symbol) -> Decimal | Skipped:
    """All of it where the rest could not be held, or where all is meant. A part below the step stays open and is told."""
    if fraction >= 1:
        return held
    lots = round_down(held * fraction, symbol.volume_step) if symbol.volume_step else held * fraction
    if lots < symbol.volume_min:
        part, least = plain(held * fraction), plain(symbol.volume_min)
        return Skipped(rule="volume", reason=f"the part of {part} lots is below the least of {least} on {symbol.name}")
    return held if held - lots < symbol.volume_min else lots


def contract_ratio(command: Command, symbol: Symbol) -> Decimal:
    """Lots here for a lot there; 1 where the master's contract was not told."""
    if command.contract is None or not symbol.trade_contract_size:
        return Decimal(1)
    return command.contract.size / symbol.trade_contract_size
