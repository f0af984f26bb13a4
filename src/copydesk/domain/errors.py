"""One tree of errors; each name says what happened, and for a venue what we know afterwards.

CopydeskError
├── VenueError
│   ├── OrderRejected        the venue said no: the order does not exist
│   ├── VenueUnavailable     nothing was sent: trying again is safe
│   │   └── RequestStale     it came too late, or by a wrong clock: the venue's clock has to be read again
│   ├── OutcomeUnknown       it may have happened: reconcile, never send again
│   └── CredentialsRefused   the key does not work: pause the account, tell its owner
├── InvalidInput             what came in cannot be used; names the field and what would be right
├── NotFound                 it does not exist, or it is not yours
├── Conflict                 it contradicts what is stored
├── IllegalMove              a state was asked to become one it may not
├── StaleWrite               somebody else moved the row first
├── LeaseLost                somebody else does this work now: nothing more may be written for it
└── StoreUnavailable         nothing was stored: the database did not answer
"""

from dataclasses import dataclass, field

from msgspec import Struct


class CopydeskError(Exception):
    """Anything copydesk itself raises."""


class VenueError(CopydeskError):
    """A venue did not do what was asked; `code` is the venue's own where it gave one."""

    def __init__(self, text: str, *, code: int | str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class OrderRejected(VenueError):
    """A code on the venue's closed list of definite refusals: the order does not exist."""


class VenueUnavailable(VenueError):
    """Nothing was sent or placed; `retry_after_s` is the venue's own wish, seconds."""

    def __init__(self, text: str, *, code: int | str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(text, code=code)
        self.retry_after_s = retry_after_s


class RequestStale(VenueUnavailable):
    """The venue turned it away for its timestamp: nothing was placed, and our idea of its clock may be wrong."""


class OutcomeUnknown(VenueError):
    """The request may have been executed; only evidence from the venue settles it."""


class CredentialsRefused(VenueError):
    """The venue does not accept this key (or it may do what no follower's key should)."""


class FieldError(Struct, frozen=True):
    """One thing wrong with one field."""

    field: str
    problem: str


@dataclass(eq=False)
class InvalidInput(CopydeskError):
    """Input that cannot be used; nothing was stored."""

    message: str
    fields: tuple[FieldError, ...] = field(default=())
    code: str = "invalid_input"

    def __str__(self) -> str:
        return self.message


class NotFound(CopydeskError):
    """No such thing, or not the caller's."""


class Conflict(CopydeskError):
    """The request contradicts what is stored."""


class IllegalMove(CopydeskError):
    """A move that the MOVES table does not hold."""


class StaleWrite(CopydeskError):
    """The row's version had changed: somebody else moved it first."""


class LeaseLost(CopydeskError):
    """Another program has taken the duty over: its epoch is newer, and this one's work is over."""


class StoreUnavailable(CopydeskError):
    """The database did not take it: nothing of this call is stored."""
