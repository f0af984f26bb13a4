"""This broker's symbols and prices: which symbol a master's is, and how it stands now."""

from msgspec import Struct

from copydesk.terminal.codec import Symbol, Tick
from copydesk.terminal.copier.commands import Command, Skipped, Wishes
from copydesk.terminal.copier.symbols import check_symbol, find_symbol
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway


class Market(Struct, frozen=True, kw_only=True):
    symbol: Symbol
    tick: Tick


class Markets:
    """`names` are read once: a broker's list changes over months."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._names: tuple[str, ...] | None = None

    async def find(self, command: Command, wishes: Wishes) -> Market | Skipped | Failed:
        """The one that the command is about."""
        if self._names is None:
            names = await self._gateway.symbol_names()
            if isinstance(names, Failed):
                return names
            self._names = names
        name = find_symbol(command.symbol, self._names, wishes.symbols)
        if isinstance(name, Skipped):
            return name
        market = await self.of(name)
        if isinstance(market, Failed):
            return market
        return check_symbol(market.symbol, command.contract) or market

    async def of(self, name: str) -> Market | Failed:
        """A symbol outside Market Watch has no prices: it is put there first."""
        selected = await self._gateway.select(name)
        if isinstance(selected, Failed):
            return selected
        symbol = await self._gateway.symbol(name)
        if isinstance(symbol, Failed):
            return symbol
        tick = await self._gateway.tick(name)
        return tick if isinstance(tick, Failed) else Market(symbol=symbol, tick=tick)
