"""How the lots of an opening came about, number by number, for the desk to show. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from copydesk.domain.instrument import plain
from copydesk.terminal.codec import Symbol
from copydesk.terminal.copier.commands import Command, Wishes
from copydesk.terminal.copier.sizing import contract_ratio


def plan_of(command: Command, wishes: Wishes, symbol: Symbol, price: Decimal) -> Mapping[str, str]:
    """Everything that lots are worked out from; `plan_with_lots` adds what came of it."""
    told: dict[str, Decimal | str | int | None] = {
        "symbol_master": command.symbol,
        "symbol": symbol.name,
        "mode": wishes.mode if command.volume is not None else "margin",
        "lots_master": command.volume,
        "fraction": command.fraction if command.fraction != 1 else None,
        "contract_master": None if command.contract is None else command.contract.size,
        "contract": symbol.trade_contract_size,
        "volume_step": symbol.volume_step,
        "volume_min": symbol.volume_min,
        "volume_max": symbol.volume_max,
        "price": price,
        "price_master": command.price or None,
        "reverse": "yes" if wishes.reverse else None,
    }
    return _written(told | _sized_by(command, wishes, symbol))


def plan_with_lots(plan: Mapping[str, str], lots: Decimal) -> Mapping[str, str]:
    return {**plan, "lots": plain(lots)}


def _sized_by(command: Command, wishes: Wishes, symbol: Symbol) -> dict[str, Decimal | str | int | None]:
    if command.volume is None:
        return {"margin_usd": wishes.margin_usd, "leverage": wishes.leverage}
    if wishes.mode == "fix":
        return {"fixed_lot": wishes.fixed_lot}
    ratio = contract_ratio(command, symbol)
    return {
        "multiplier": wishes.multiplier,
        "contract_ratio": ratio,
        "lots_before_rounding": command.volume * wishes.multiplier * ratio,
    }


def _written(told: Mapping[str, Decimal | str | int | None]) -> Mapping[str, str]:
    given = ((name, value) for name, value in told.items() if value is not None)
    return {name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in given}
