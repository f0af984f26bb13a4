"""A venue: where orders go. One `Venue` a kind, one `Session` an account logged in.

Errors of every call here are `VenueError`s that say what we know afterwards (domain/errors.py).
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from copydesk.domain.bot import MarketType
from copydesk.domain.ids import AccountId
from copydesk.domain.order import FrozenRequest, NewOrder, OrderRef, OrderReport
from copydesk.domain.planning import Quote
from copydesk.domain.signal import Direction, Side
from copydesk.domain.subscription import Account, Environment, MarginMode, PositionMode


class KeyPermissions(Struct, frozen=True, kw_only=True):
    """What a key may do; `asked` is False where the venue offers no way to tell (its demo)."""

    asked: bool
    can_trade: bool
    forbidden: tuple[str, ...] = ()


class Balance(Struct, frozen=True, kw_only=True):
    """In USD (or the venue's dollar coin)."""

    total_usd: Decimal
    available_usd: Decimal


class VenuePosition(Struct, frozen=True, kw_only=True):
    """What the venue says an account holds; quantity > 0, an absent symbol is flat."""

    symbol: str
    direction: Direction
    quantity: Decimal
    entry_price: Decimal


class VenueTrade(Struct, frozen=True, kw_only=True):
    """One fill as the venue's trade list shows it; it knows the venue's order id, not ours."""

    exchange_order_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee_usd: Decimal


class ClockReading(Struct, frozen=True, kw_only=True):
    """The venue's clock minus ours, and how wrong that may be (half the round trip); seconds."""

    offset_s: float
    uncertainty_s: float


class StreamOpened(Struct, frozen=True, kw_only=True):
    """From here on everything about these accounts is told; what happened before may have been missed."""

    accounts: frozenset[AccountId]


class OrderNews(Struct, frozen=True, kw_only=True):
    """Something happened to an order, ours or not; without a `report` it has to be looked up.

    News may come twice and out of order: executed quantities are totals, and only growing ones count.
    """

    account_id: AccountId
    client_order_id: str
    report: OrderReport | None = None


class ContractEnded(Struct, frozen=True, kw_only=True):
    """A contract of the account, ours or not, has come to its end: by itself, or because somebody sold it."""

    account_id: AccountId
    contract_id: str


class ContractsHeld(Struct, frozen=True, kw_only=True):
    """Every contract that is open on an account, ours or not, as of a moment that is not before `asked_at` (by our clock)."""

    account_id: AccountId
    contract_ids: frozenset[str]
    asked_at: datetime


News = StreamOpened | OrderNews | ContractEnded | ContractsHeld


class Begun(Protocol):
    """The answer to an order that is on the wire; an asyncio.Future is one."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None: ...

    def cancelled(self) -> bool: ...

    def exception(self) -> BaseException | None: ...

    def result(self) -> OrderReport: ...


class Session(Protocol):
    """One account at one venue. Nothing here repeats a request by itself."""

    async def prepare(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> PositionMode:
        """Set and verify leverage, margin mode and position mode; the mode found is what orders must fit."""
        ...

    async def place(self, request: FrozenRequest) -> OrderReport:
        """Send the frozen request, once."""
        ...

    def begin(self, request: FrozenRequest) -> Begun | None:
        """As `place`, but on the wire when this returns; None where that takes waiting, and then nothing has left.

        Without an answer in time it raises OutcomeUnknown by itself.
        """
        ...

    async def cancel(self, order: OrderRef) -> None:
        """Ask for a cancel; an order that is already gone is a success."""
        ...

    async def look_up(self, order: OrderRef) -> OrderReport | None:
        """What the venue shows of this order; None is "not found", which by itself proves nothing."""
        ...

    async def trades_since(self, symbol: str, since: datetime) -> Sequence[VenueTrade]:
        """Every fill of the account on a symbol from `since` on, ours or not."""
        ...

    async def orders_since(self, symbol: str, since: datetime) -> Sequence[OrderReport]:
        """Every order of the account on a symbol that was made from `since` on, ours or not, conditional ones too.

        A conditional order that has triggered is told once, by its own client id, with what it became.
        """
        ...

    async def positions(self) -> Sequence[VenuePosition]: ...

    async def balance(self) -> Balance: ...

    async def permissions(self) -> KeyPermissions: ...


class Traits(Struct, frozen=True, kw_only=True):
    """What a venue is like.

    `markets`: which bots' symbols are traded there. `credentials`: the secrets an account needs, by the API's names;
    `may_have`: those it may have besides.
    `is_spot`: an account holds coins instead of positions; a close is then a plain sale, which can be done twice, and
    a standing stop locks the coins that it would sell. `places_stops`: a stop can stand at the venue itself; where
    not, nothing that wants one is opened. `tells_permissions`: it can be asked what a key may do (outside its demo).
    `finds_orders`: an order is found again by our own id. `lists_orders`: an account's recent orders can be listed.
    `tells_news`: it has a stream that tells of orders as they change. `at_once`: requests that may be on their way to it at
    one time and still leave fresh. `is_terminal`: an account is a terminal with a program beside it, which follows a master's
    tickets one by one, works out sizes itself, sends stops with their opening, and needs no setting up. `is_contracts`: what
    is bought there is a contract of its own, which ends by itself; it has no id of ours, and is found again by what it is.
    """

    markets: frozenset[MarketType]
    credentials: tuple[str, ...]
    may_have: tuple[str, ...] = ()
    is_spot: bool = False
    places_stops: bool = True
    tells_permissions: bool = True
    finds_orders: bool = True
    lists_orders: bool = True
    tells_news: bool = False
    at_once: int = 30
    is_terminal: bool = False
    is_contracts: bool = False


class Venue(Protocol):
    """A kind of venue in all its environments; owns the transport and the market table its sessions share."""

    @property
    def traits(self) -> Traits: ...

    def freeze(self, order: NewOrder, *, mode: PositionMode, at: datetime) -> FrozenRequest:
        """The request as it would leave, with its timestamp (`at` by the venue's clock); pure."""
        ...

    def open_session(self, account: Account, credentials: Mapping[str, str]) -> Session: ...

    async def quote(self, environment: Environment, symbol: str) -> Quote | None:
        """Steps and the last trade price, at most a second old; None for a symbol the venue does not trade."""
        ...

    async def symbols(self, environment: Environment) -> frozenset[str]: ...

    async def read_clock(self, environment: Environment) -> ClockReading: ...

    def listen(self, sessions: Mapping[AccountId, Session]) -> AsyncGenerator[News, None]:
        """One connection that tells of these accounts' orders (all of one environment); only where `tells_news`.

        Ends by raising VenueError, or StopAsyncIteration where the venue ends it; who asks again starts anew.
        """
        ...

    async def close(self) -> None: ...


class PaperOrder(Struct, frozen=True, kw_only=True):
    """One order of the paper venue, as its ledger keeps it."""

    account_id: AccountId
    order_id: str
    client_order_id: str
    symbol: str
    side: str
    direction: Direction
    quantity: Decimal
    reduce_only: bool
    trigger_price: Decimal | None
    trigger_above: bool
    status: str
    executed_quantity: Decimal
    average_price: Decimal | None
    fee_usd: Decimal
    created_at: datetime


class PaperLedger(Protocol):
    """Where the paper venue keeps its orders, so that a restart forgets nothing."""

    async def add(self, order: PaperOrder) -> None: ...

    async def save(self, order: PaperOrder) -> None: ...

    async def find(self, account_id: AccountId, client_order_id: str) -> PaperOrder | None: ...

    async def orders(self, account_id: AccountId) -> Sequence[PaperOrder]: ...
