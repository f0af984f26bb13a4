"""A signal: one instruction from a bot, immutable, and the steps it means for every follower."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from copydesk.domain.ids import BotId, SignalId


class Direction(StrEnum):
    """Which way a position points; `flat` is none."""

    FLAT = "flat"
    LONG = "long"
    SHORT = "short"

    @property
    def opposite(self) -> "Direction":
        return {Direction.LONG: Direction.SHORT, Direction.SHORT: Direction.LONG}.get(self, Direction.FLAT)


class Side(StrEnum):
    """What an order does."""

    BUY = "BUY"
    SELL = "SELL"

    @classmethod
    def opening(cls, direction: Direction) -> "Side":
        return cls.BUY if direction is Direction.LONG else cls.SELL

    @classmethod
    def closing(cls, direction: Direction) -> "Side":
        return cls.BUY if direction is Direction.SHORT else cls.SELL


class SourceKind(StrEnum):
    """Where signals come from; `desk` is what copydesk itself decides, `test` a person who tries the way out on paper."""

    TRADINGVIEW = "tradingview"
    MASTER = "master"
    REST = "rest"
    STRATEGY = "strategy"
    DESK = "desk"
    TEST = "test"


class Action(StrEnum):
    """What an instruction says, before the bot's own position tells what it means."""

    BUY = "buy"
    SELL = "sell"
    OPEN_LONG = "open_long"
    OPEN_SHORT = "open_short"
    CLOSE_LONG = "close_long"
    CLOSE_SHORT = "close_short"
    CLOSE = "close"
    MODIFY = "modify"
    """A ticket's stops changed, or a waiting order: recorded, and nothing to open or close."""
    PENDING = "pending"
    """An order waits for its price at the master's: nothing is open yet."""
    CANCEL = "cancel"
    """A waiting order is no more, and was never filled."""


class Target(Struct, frozen=True, kw_only=True):
    """Where a strategy says its position is now, and where it was: sizes in its own contracts, ≥ 0, where told."""

    direction: Direction
    size: Decimal | None = None
    previous_size: Decimal | None = None


class SizeUnit(StrEnum):
    """What a sender's amount counts: coins or contracts (`@0.006`), quote currency (`$20`), percent (`%50`)."""

    BASE = "base"
    QUOTE = "quote"
    PERCENT = "percent"


class Size(Struct, frozen=True, kw_only=True):
    """How much the sender wants, > 0: of an opening (only where the bot says so), or what part a close closes."""

    unit: SizeUnit
    amount: Decimal


class TicketEvent(StrEnum):
    """What a master's terminal says became of a ticket."""

    OPEN = "OPEN"
    MODIFY = "MODIFY"
    CLOSE = "CLOSE"
    CANCEL = "CANCEL"


class OrderKind(StrEnum):
    """How an order waits, in MetaTrader's words."""

    BUY_LIMIT = "BUY_LIMIT"
    SELL_LIMIT = "SELL_LIMIT"
    BUY_STOP = "BUY_STOP"
    SELL_STOP = "SELL_STOP"
    BUY_STOP_LIMIT = "BUY_STOP_LIMIT"
    SELL_STOP_LIMIT = "SELL_STOP_LIMIT"

    @property
    def direction(self) -> Direction:
        return Direction.LONG if self.name.startswith("BUY") else Direction.SHORT

    @property
    def is_stop_limit(self) -> bool:
        return self.name.endswith("STOP_LIMIT")


class Waiting(Struct, frozen=True, kw_only=True):
    """An order that waits for its price. `limit` is what a stop-limit order becomes, 0 for others; None: it does not expire."""

    kind: OrderKind
    price: Decimal
    limit: Decimal = Decimal(0)
    expires_at: datetime | None = None


class TicketReport(Struct, frozen=True, kw_only=True):
    """A master's ticket as it was told; None is not told. Volume > 0, of a close the part to close; a stop of 0 is none.

    `kind` is that of an order that waits, and `price` its price; of a position it is told for the record.
    """

    number: int
    event: TicketEvent | None = None
    direction: Direction | None = None
    volume: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    contract: Mapping[str, str] | None = None
    kind: OrderKind | None = None
    price: Decimal | None = None
    limit: Decimal | None = None
    expires_at: datetime | None = None


class TicketChange(Struct, frozen=True, kw_only=True):
    """What became of a master's ticket, for those who follow tickets one by one; volumes in the master's lots.

    `volume` is what is open afterwards, 0 closed; `before`, 0 is new. A stop of 0 is none; `price` and `contract` (what a lot is) are those of the master's broker.
    """

    number: int
    direction: Direction
    volume: Decimal
    before: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    moved_stops: bool = False
    price: Decimal | None = None
    contract: Mapping[str, str] | None = None
    waiting: Waiting | None = None
    """How it waits now; None where it is a position, or closed."""
    has_waited: bool = False
    """It waited until this message."""


class Right(StrEnum):
    """What a rise/fall contract pays on: a CALL where the price ends above its entry, a PUT where it ends below."""

    CALL = "CALL"
    PUT = "PUT"

    @classmethod
    def of(cls, direction: Direction) -> "Right":
        """What stands for a position that points there."""
        return cls.PUT if direction is Direction.SHORT else cls.CALL

    @property
    def direction(self) -> Direction:
        return Direction.LONG if self is Right.CALL else Direction.SHORT


class ContractTerms(Struct, frozen=True, kw_only=True):
    """What a strategy buys: followers take its direction and duration, with stakes of their own.

    `stake` (USD) is that of the bot's own book; `level` counts a ladder's stakes from 1; `number` is the strategy's name of it.
    """

    duration_s: int
    stake: Decimal
    level: int
    number: str


class Stops(Struct, frozen=True, kw_only=True):
    """Per cent of the entry price, 0 for none: what counts for this signal in the place of the bot's defaults."""

    stop_loss_pct: Decimal
    take_profit_pct: Decimal


class Instruction(Struct, frozen=True, kw_only=True):
    """What a source read: the same shape from every source.

    `key` makes repeats recognisable (with how long); where `content` is told, the same key with another one is refused.
    `price` is the sender's, for the record only. With a `ticket`, the bot's tickets say what it means, not `action`.
    """

    ticker: str
    symbol: str
    action: Action
    key: str
    key_ttl_s: int
    price: Decimal | None = None
    target: Target | None = None
    size: Size | None = None
    ticket: TicketReport | None = None
    stops: Stops | None = None
    contract: ContractTerms | None = None
    content: str | None = None
    payload: Mapping[str, object]


class LegKind(StrEnum):
    """What an execution is for; the stored leg may carry a number (`take_profit:2`)."""

    OPEN = "open"
    CLOSE = "close"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    MODIFY = "modify"
    """A position's own stops are moved; only where an account follows tickets."""


class Step(Struct, frozen=True, kw_only=True):
    """One thing every follower should do: open `fraction` of their own size, or close `fraction` of what was opened.

    A close with direction `flat` closes whatever the follower holds.
    """

    leg: LegKind
    direction: Direction
    fraction: Decimal = Decimal(1)


class Signal(Struct, frozen=True, kw_only=True):
    """An accepted instruction with its identity; `steps` may be empty (`note` then says why nothing changes).

    `ticket` is the master's, for accounts that follow tickets; `steps` are for all others, who hold the master's net.
    """

    id: SignalId
    bot_id: BotId
    source: SourceKind
    ticker: str
    symbol: str
    action: Action
    price: Decimal | None
    size: Size | None
    steps: tuple[Step, ...]
    note: str | None
    payload: Mapping[str, object]
    received_at: datetime
    created_at: datetime
    ticket: TicketChange | None = None
    stops: Stops | None = None
    contract: ContractTerms | None = None
