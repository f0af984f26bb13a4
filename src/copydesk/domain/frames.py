"""What hub and agents exchange over /ws: JSON texts, each with its event or its action. Pure; docs/agents.md is their manual.

A frame to an agent is written in two parts: a head of its own (event, seq, id) and a rest that everybody has in common.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from copydesk.domain.ids import AccountId, UserId


class Event(StrEnum):
    """What the hub tells. WELCOME, SNAPSHOT, REAUTH and ERROR carry the seq of the latest command; they have none of their own."""

    WELCOME = "WELCOME"
    SNAPSHOT = "SNAPSHOT"
    OPEN = "OPEN"
    MODIFY = "MODIFY"
    CLOSE = "CLOSE"
    CANCEL = "CANCEL"
    GAPFILL = "GAPFILL"
    REAUTH = "REAUTH"
    ERROR = "ERROR"


class Closing(StrEnum):
    """Why a connection was ended by the hub, in words for people."""

    REPLACED = "another program signed in as this agent"
    EXPIRED = "the token has expired: sign in again"
    ELSEWHERE = "the desk's work is another hub's now: connect again"
    TOO_SLOW = "too slow: connect again and resume"
    FOREIGN = "this MT5 login is not one that you may trade from"


CLOSE_CODES: Mapping[Closing, int] = {
    Closing.REPLACED: 4001,
    Closing.EXPIRED: 4003,
    Closing.ELSEWHERE: 1012,
    Closing.FOREIGN: 4005,
    Closing.TOO_SLOW: 4008,
}


class Command(Struct, frozen=True, kw_only=True):
    """One thing an agent should do; `id` is the client order id, by which its result is known and a repeat recognised."""

    id: str
    account_id: AccountId
    owner_id: UserId
    event: Event
    data: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime


Login = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Ticket = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Name = Annotated[str, Meta(max_length=120)]
Id = Annotated[str, Meta(min_length=1, max_length=80)]
Reason = Annotated[str, Meta(max_length=300)]

DIGITS_MAX = 12
"""Of a figure, before and after its point."""


class Hello(Struct, frozen=True, kw_only=True, tag_field="action", tag="hello"):
    """Who connects again, what it had last, and which account it is logged in to (`trade_mode` as MetaTrader tells it: 2 is real
    money).
    """

    last_seq: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    login: Login | None = None
    server: Name | None = None
    trade_mode: Annotated[int, Meta(ge=0, le=2)] | None = None


class GetSnapshot(Struct, frozen=True, kw_only=True, tag_field="action", tag="get_snapshot"):
    """The open positions, please."""


class Received(Struct, frozen=True, kw_only=True, tag_field="action", tag="received"):
    """Commands that are safe in the agent's own journal."""

    id: Id | None = None
    ids: Annotated[tuple[Id, ...], Meta(max_length=1_000)] = ()


class ResultStatus(StrEnum):
    """What became of a command: `partial` has ended with less than wanted; `unknown` is being found out; `placed` waits for its
    price at the broker's, and another result follows.
    """

    FILLED = "filled"
    PARTIAL = "partial"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    PLACED = "placed"


NOT_THE_END = frozenset({ResultStatus.UNKNOWN, ResultStatus.PLACED})


class Result(Struct, frozen=True, kw_only=True, tag_field="action", tag="result"):
    """Volumes in lots, `profit` and `fee` in the account's currency; `plan` is how the size was worked out.

    Raise ValueError (as msgspec.ValidationError when it is read) for figures that cannot be.
    """

    id: Id
    status: ResultStatus
    volume: Decimal = Decimal(0)
    price: Decimal | None = None
    profit: Decimal | None = None
    fee: Decimal | None = None
    ticket: Ticket | None = None
    retcode: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    reason: Reason | None = None
    plan: Annotated[dict[Name, str | int | float | bool | None], Meta(max_length=40)] = msgspec.field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        for name in ("volume", "price", "profit", "fee"):
            _refuse_figure(name, getattr(self, name), below_zero=name == "profit")
        fills = self.status in {ResultStatus.FILLED, ResultStatus.PARTIAL}
        if fills and self.volume > 0 and not self.price:
            raise ValueError("price: what was filled has one, above 0")


class Closed(Struct, frozen=True, kw_only=True, tag_field="action", tag="closed"):
    """What was opened for a master's ticket is gone without a command: its stop, a margin call, or a person closed it."""

    id: Id
    bot_id: Id
    symbol: Name
    master_ticket: Ticket
    reason: Reason = ""


class Heartbeat(Struct, frozen=True, kw_only=True, tag_field="action", tag="heartbeat"):
    """The terminal as it is, every 5 s: a live program beside a dead terminal."""

    connected: bool
    login: Login = 0
    server: Name = ""
    trade_mode: Annotated[int, Meta(ge=0, le=2)] | None = None
    figures: dict[str, Any] = msgspec.field(default_factory=dict)


class Reauth(Struct, frozen=True, kw_only=True, tag_field="action", tag="reauth"):
    """A fresh access token for the same user."""

    token: Annotated[str, Meta(max_length=4_000)]


Message = Hello | GetSnapshot | Received | Result | Closed | Heartbeat | Reauth

_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder(enc_hook=str).encode


def _refuse_figure(name: str, value: Decimal | None, *, below_zero: bool) -> None:
    if value is None:
        return
    # By its exponent: arithmetic with such a number would itself overflow, and writing it out take gigabytes.
    if not value.is_finite() or value.adjusted() >= DIGITS_MAX or (value.is_signed() and value and not below_zero):
        raise ValueError(f"{name}: {value} cannot be")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DIGITS_MAX:
        raise ValueError(f"{name}: more than {DIGITS_MAX} decimals")


def read_message(text: str | bytes) -> Message:
    """Raise ValueError, whose text names the field, for what is none."""
    if "\\u0000" in (text if isinstance(text, str) else text.decode(errors="replace")):
        raise ValueError("NUL is no text")
    try:
        message: Message = _decode(text)
    except (msgspec.DecodeError, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from error
    return message


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def rest_of(data: Mapping[str, Any], *, at: datetime, expires_at: datetime | None) -> bytes:
    """What a frame's receivers have in common: everything behind its head."""
    told = {"ts": moment(at), "expires_at": None if expires_at is None else moment(expires_at), "data": data}
    return _encode(told)[1:]


def frame(event: Event, seq: int, command_id: str | None, rest: bytes) -> bytes:
    """A whole frame. An id of ours needs no escaping."""
    told = b"null" if command_id is None else b'"%b"' % command_id.encode()
    return b'{"event":"%b","seq":%d,"id":%b,%b' % (event.value.encode(), seq, told, rest)


def gaps(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of numbers that follow one another, each as its first and last."""
    runs: list[tuple[int, int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1] = runs[-1][0], seq
        else:
            runs.append((seq, seq))
    return runs
