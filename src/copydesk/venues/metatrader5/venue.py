"""The venue of ports/venue.py, over the switchboard: an order is a command in the book, its result what an agent says."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal

from copydesk.domain.errors import VenueUnavailable
from copydesk.domain.following import MARKETS
from copydesk.domain.ids import AccountId
from copydesk.domain.order import FrozenRequest, NewOrder, OrderRef, OrderReport, OrderStatus
from copydesk.domain.planning import Quote
from copydesk.domain.signal import Direction
from copydesk.domain.subscription import Account, Environment, MarginMode, PositionMode
from copydesk.domain.terminal import Terminal
from copydesk.ports.clock import Clock
from copydesk.ports.venue import (
    Balance,
    ClockReading,
    KeyPermissions,
    OrderNews,
    Session,
    StreamOpened,
    Traits,
    VenuePosition,
    VenueTrade,
)
from copydesk.venues.metatrader5.codec import HANDED_OVER, WAITS, command_of, freeze, report_of
from copydesk.venues.metatrader5.switchboard import Switchboard


class MetaTrader5:
    """Each account is one login at one broker's server, with a Client Copier beside its terminal."""

    traits = Traits(
        markets=MARKETS,
        credentials=("login", "server"),
        lists_orders=False,
        tells_news=True,
        at_once=200,
        is_terminal=True,
    )

    def __init__(self, clock: Clock, switchboard: Switchboard) -> None:
        self._clock = clock
        self._switchboard = switchboard

    def freeze(self, order: NewOrder, *, mode: PositionMode, at: datetime) -> FrozenRequest:
        del mode  # netting or hedging is the terminal's own affair
        return freeze(order, at)

    def open_session(self, account: Account, credentials: Mapping[str, str]) -> "MetaTrader5Session":
        return MetaTrader5Session(self._clock, self._switchboard, account, int(credentials["login"]))

    async def quote(self, environment: Environment, symbol: str) -> Quote | None:
        """Prices and steps are each broker's own: the terminal's program knows them."""
        del environment, symbol
        return None

    async def symbols(self, environment: Environment) -> frozenset[str]:
        del environment
        raise VenueUnavailable("each broker's terminal has symbols of its own")

    async def read_clock(self, environment: Environment) -> ClockReading:
        del environment  # commands carry our own time
        return ClockReading(offset_s=0.0, uncertainty_s=0.0)

    async def listen(self, sessions: Mapping[AccountId, Session]) -> AsyncGenerator[StreamOpened | OrderNews, None]:
        news = self._switchboard.listen(sessions.keys())
        yield StreamOpened(accounts=frozenset(sessions))
        async with aclosing(news):
            async for one in news:
                yield one

    async def close(self) -> None:
        """Connections are the web server's to close."""


class MetaTrader5Session:
    """The Session of ports/venue.py for one terminal."""

    def __init__(self, clock: Clock, switchboard: Switchboard, account: Account, login: int) -> None:
        self._clock = clock
        self._switchboard = switchboard
        self._account = account
        self._login = login

    async def prepare(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> PositionMode:
        del symbol, leverage, margin_mode  # leverage is the account's, at its broker
        return PositionMode.HEDGE

    def begin(self, request: FrozenRequest) -> None:
        """Writing into the book takes waiting."""

    async def place(self, request: FrozenRequest) -> OrderReport:
        """In the book, and on the wire of whoever is there. What comes of it is told by `listen`."""
        owner = self._account.owner_id
        command = command_of(request.params, self._account.id, owner, self._clock.now())
        await self._switchboard.send(command)
        return OrderReport(
            status=OrderStatus.WORKING,
            exchange_order_id=command.id,
            client_order_id=command.id,
            reason=HANDED_OVER if self._switchboard.connected(owner) else WAITS,
        )

    async def cancel(self, order: OrderRef) -> None:
        await self._switchboard.withdraw(order.client_order_id)

    async def look_up(self, order: OrderRef) -> OrderReport | None:
        kept = await self._switchboard.book.find(order.client_order_id)
        return None if kept is None else report_of(kept, self._clock.now())

    async def trades_since(self, symbol: str, since: datetime) -> Sequence[VenueTrade]:
        """The book is complete: what is not in it was not told to anybody."""
        del symbol, since
        return ()

    async def orders_since(self, symbol: str, since: datetime) -> Sequence[OrderReport]:
        del symbol, since
        return ()

    async def positions(self) -> Sequence[VenuePosition]:
        """As the terminal's program reported them last; quantities in lots."""
        listed = (await self._terminal()).figures.get("positions")
        return [
            VenuePosition(
                symbol=str(one["symbol"]),
                direction=Direction.LONG if str(one["type"]).startswith("BUY") else Direction.SHORT,
                quantity=Decimal(str(one["volume"])),
                entry_price=Decimal(str(one.get("entry") or 0)),
            )
            for one in (listed if isinstance(listed, list) else ())
        ]

    async def balance(self) -> Balance:
        """In the account's currency."""
        figures = (await self._terminal()).figures
        total, available = figures.get("equity", figures.get("balance")), figures.get("margin_free")
        if total is None:
            raise VenueUnavailable("the terminal's program has not told its balance")
        return Balance(
            total_usd=Decimal(str(total)), available_usd=Decimal(str(total if available is None else available))
        )

    async def permissions(self) -> KeyPermissions:
        """A terminal trades; money leaves an MT5 account by its broker's own pages alone."""
        return KeyPermissions(asked=True, can_trade=True)

    async def _terminal(self) -> Terminal:
        found = await self._switchboard.book.terminal(self._account.owner_id, self._login)
        if found is None:
            raise VenueUnavailable(
                f"no Client Copier has reported for login {self._login} yet: start it beside the terminal"
            )
        if not found.is_connected(self._clock.now()):
            raise VenueUnavailable(f"the terminal of login {self._login} is not connected")
        return found
