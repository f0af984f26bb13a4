"""The store: one unit of work is a plain function over a `Transaction`, and all of it commits or none.

The engine's rules are written against these tables; SQL lives in `stores/`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.breaker import Breaker, Reach
from copydesk.domain.execution import Execution
from copydesk.domain.ids import AccountId, BotId, SignalId, SubscriptionId, UserId
from copydesk.domain.ledgers import Discrepancy
from copydesk.domain.notice import Choices, Fact
from copydesk.domain.planning import Follower
from copydesk.domain.position import Position, Trade
from copydesk.domain.signal import Direction, Signal
from copydesk.domain.subscription import Account, Environment, PositionMode, Subscription
from copydesk.domain.tickets import Book, Ticket
from copydesk.domain.venue import VenueName
from copydesk.ports.execution_table import ExecutionTable
from copydesk.ports.strategy_table import StrategyTable

T = TypeVar("T")


class Preparation(Struct, frozen=True, kw_only=True):
    """What was set and verified at the venue for an account and symbol."""

    leverage: int
    margin_mode: str
    position_mode: PositionMode


class SignalTable(Protocol):
    """Signals, the keys that make repeats recognisable, and the position each bot's signals imply."""

    def read_ahead(self, told: Collection[tuple[BotId, str, str]]) -> None:
        """Bots with a key and a symbol of each: these bots are locked as by `lock_bot`, and what this table is asked of bot, key and
        symbol costs nothing from then on.
        """
        ...

    def lock_bot(self, bot_id: BotId) -> Bot | None:
        """The bot, locked until the transaction ends, so that its signals are taken one after the other."""
        ...

    def known(self, bot_id: BotId, key: str, at: datetime) -> SignalId | None: ...

    def content(self, bot_id: BotId, key: str) -> str | None:
        """What a known key was first used for, where it was told."""
        ...

    def remember(
        self, bot_id: BotId, key: str, signal_id: SignalId, expires_at: datetime, content: str | None = None
    ) -> None: ...

    def add(self, signal: Signal, *, fanned_out_at: datetime | None = None) -> None:
        """`fanned_out_at`: nobody follows it, so that nothing is left to be done."""
        ...

    def get(self, signal_id: SignalId) -> Signal | None: ...

    def waiting(self) -> Sequence[Signal]:
        """Signals that are stored and not yet fanned out, oldest first."""
        ...

    def mark_fanned_out(self, signal_id: SignalId, at: datetime) -> None: ...

    def held_by_bot(self, bot_id: BotId, symbol: str) -> Direction: ...

    def set_held_by_bot(self, bot_id: BotId, symbol: str, direction: Direction, at: datetime) -> None: ...

    def symbols_of_bot(self, bot_id: BotId) -> Sequence[str]:
        """Symbols the bot's signals have named so far."""
        ...


class Place(NamedTuple):
    """Where a subscription trades."""

    account_id: AccountId
    venue: VenueName
    environment: Environment


class FollowerTable(Protocol):
    """Who follows, with everything a plan depends on."""

    def audience(self, bots: Collection[BotId]) -> Mapping[BotId, int]:
        """How many `subscribers` each has."""
        ...

    def subscribers(self, bot_id: BotId) -> Sequence[SubscriptionId]:
        """Subscriptions that a signal must account for (active, close_only)."""
        ...

    def places(self, ids: Collection[SubscriptionId]) -> Mapping[SubscriptionId, Place]: ...

    def followers(self, bot: Bot, symbol: str, ids: Sequence[SubscriptionId], at: datetime) -> Sequence[Follower]:
        """Locked until the transaction ends, so that limits are read and reserved at one moment."""
        ...

    def account(self, account_id: AccountId) -> Account | None: ...

    def credentials(self, account_id: AccountId) -> Mapping[str, str]: ...

    def logins(self, accounts: Collection[AccountId]) -> Sequence[tuple[Account, Mapping[str, str]]]:
        """Accounts with their credentials; one whose secrets do not open is left out."""
        ...

    def refuse_key(self, account_id: AccountId, problem: str, at: datetime) -> None: ...

    def preparation(self, account_id: AccountId, symbol: str) -> Preparation | None: ...

    def preparations(self, accounts: Collection[AccountId], symbol: str) -> Mapping[AccountId, Preparation]:
        """Of those that have been set up for the symbol; each `preparation` of them then costs nothing."""
        ...

    def save_preparation(self, account_id: AccountId, symbol: str, made: Preparation, at: datetime) -> None: ...

    def subscription(self, subscription_id: SubscriptionId) -> Subscription | None: ...

    def trading(self) -> Sequence[Account]:
        """Accounts that are switched on, whose key works, and that a subscription listens with or an order stands on."""
        ...


class PositionTable(Protocol):
    """What our fills opened, and what it brought."""

    def get(self, subscription_id: SubscriptionId, symbol: str) -> Position | None: ...

    def read_ahead(self, subscriptions: Collection[SubscriptionId], at: datetime) -> None:
        """Their positions and the day's results in a few statements, so that what follows costs none."""
        ...

    def put(self, execution: Execution, position: Position | None, at: datetime) -> None:
        """None is flat."""
        ...

    def add_trade(self, execution: Execution, trade: Trade) -> None: ...

    def add_result(self, subscription_id: SubscriptionId, net_usd: Decimal, at: datetime) -> None:
        """Add to the day's result of a subscription (UTC days)."""
        ...

    def end_day(self, subscription_id: SubscriptionId, at: datetime) -> None:
        """Nothing more is opened that UTC day."""
        ...

    def at_risk(self, at: datetime) -> "Sequence[AtRisk]":
        """Every open position of subscriptions that close at their daily loss limit."""
        ...


class AtRisk(Struct, frozen=True, kw_only=True):
    """A position whose follower wants it closed when the day's loss reaches a limit; `result_usd` is what the UTC day
    realised so far, fees included.
    """

    subscription: Subscription
    account: Account
    symbol: str
    position: Position
    result_usd: Decimal


class Holding(Struct, frozen=True, kw_only=True):
    """A position and whose it is."""

    subscription_id: SubscriptionId
    bot_id: BotId
    symbol: str
    position: Position


class BreakerTable(Protocol):
    """Breakers that are pulled, and what they reach."""

    def pulled(self) -> Sequence[Breaker]: ...

    def pull(self, breaker: Breaker) -> None:
        """In the place of one with the same reach."""
        ...

    def release(self, reach: Reach) -> None: ...

    def openings(self, reach: Reach) -> Sequence[Execution]:
        """Openings that are not final, oldest first."""
        ...

    def holdings(self, reach: Reach) -> Sequence[Holding]: ...


class LeaseTable(Protocol):
    """Duties that one program does at a time. Each take-over counts the duty's epoch on; times are the database's."""

    def take(self, duty: str, owner: str, ttl_s: float, is_gone: Callable[[str], bool]) -> int | None:
        """The new epoch; None while another owner's lease runs, unless that owner `is_gone` for certain."""
        ...

    def renew(self, duty: str, epoch: int, ttl_s: float) -> None:
        """Raise LeaseLost."""
        ...

    def fence(self, duty: str, epoch: int) -> None:
        """What this transaction writes is of this epoch, and nobody takes over before it ends. Raise LeaseLost."""
        ...


class LedgerCheck(Struct, frozen=True, kw_only=True):
    """What comparing an account's recent orders with its venue found; `problem` says why it could not be done."""

    account_id: AccountId
    checked_at: datetime
    since: datetime
    orders: int
    discrepancies: tuple[Discrepancy, ...]
    problem: str | None = None


class LedgerCheckTable(Protocol):
    """The hourly comparison of both ledgers."""

    def sent_since(self, account_id: AccountId, since: datetime) -> Sequence[Execution]:
        """Every execution of an account for which a request was frozen from then on."""
        ...

    def traded_since(self, since: datetime) -> Sequence[Account]:
        """Active accounts that sent something from then on, or have something standing or held."""
        ...

    def held(self, account_id: AccountId) -> Sequence[tuple[str, Position]]:
        """Symbol and position of each of an account's subscriptions."""
        ...

    def save(self, check: LedgerCheck) -> None:
        """The newest one of an account is kept."""
        ...


class TicketTable(Protocol):
    """Tickets of masters, and the volume that a bot's followers were told to hold."""

    def get(self, bot_id: BotId, number: int) -> Ticket | None:
        """Open or closed."""
        ...

    def book(self, bot_id: BotId, symbol: str) -> Book: ...

    def put(self, bot_id: BotId, ticket: Ticket, at: datetime) -> None: ...

    def hold(self, bot_id: BotId, symbol: str, volume: Decimal) -> None:
        """Beside the direction that `SignalTable.set_held_by_bot` keeps."""
        ...


class NoticeTable(Protocol):
    """The journal as people are told of it, and who wants to be told what."""

    def latest(self) -> tuple[int, str, str]:
        """The newest move's number, the newest signal's id, and the cursor of the newest comparison."""
        ...

    def moves_after(self, number: int, most: int) -> Sequence[tuple[int, Fact]]:
        """Moves of executions in the order of their numbers; a number may appear after a larger one did."""
        ...

    def signals_after(self, signal_id: str, most: int) -> Sequence[tuple[str, Fact]]: ...

    def checks_after(self, cursor: str, most: int) -> Sequence[tuple[str, Fact]]:
        """Comparisons of ledgers that found something, oldest first."""
        ...

    def choices(self, users: Collection[UserId]) -> Mapping[UserId, Choices]:
        """Of those who have an address."""
        ...

    def addresses(self, user_id: UserId) -> Sequence[str]: ...


class Transaction(Protocol):
    """The tables at one moment."""

    @property
    def signals(self) -> SignalTable: ...

    @property
    def followers(self) -> FollowerTable: ...

    @property
    def executions(self) -> ExecutionTable: ...

    @property
    def positions(self) -> PositionTable: ...

    @property
    def breakers(self) -> BreakerTable: ...

    @property
    def tickets(self) -> TicketTable: ...

    @property
    def notices(self) -> NoticeTable: ...

    @property
    def strategies(self) -> StrategyTable: ...

    @property
    def leases(self) -> LeaseTable: ...

    @property
    def checks(self) -> LedgerCheckTable: ...


class Store(Protocol):
    """`work` runs in another thread or greenlet: it must be quick, and touch nothing but its transaction."""

    async def read(self, work: Callable[[Transaction], T]) -> T: ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Return after the commit; raise what `work` raised, or StoreUnavailable, and then nothing is stored."""
        ...

    async def write_ahead(self, work: Callable[[Transaction], T]) -> T:
        """As `write`, ahead of everything that can wait: executions that `work` adds are stored as intents, together in one row, and those
        that others intended are not filed first. For work that asks nothing about executions, or about accounts that no other intent can
        be about.
        """
        ...
