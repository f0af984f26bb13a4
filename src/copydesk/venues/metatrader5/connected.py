"""One connection to an agent: what it was told last, and what has to wait."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from copydesk.domain.frames import Closing, Event, frame, rest_of
from copydesk.domain.ids import AccountId, UserId
from copydesk.ports.agents import Line

NO_ACCOUNT = AccountId("")
"""Of an agent whose login is allowed, and no account here: no command is its own."""

OTHERS = "for another account of yours"
TOO_OLD = "too old to be done now, or taken back: what is open is in the snapshot"


class Told(NamedTuple):
    """A command's frame, and whose command it is; what everybody else's agents are told instead is made when it leaves."""

    account_id: AccountId
    frame: bytes
    at: datetime


def skip(first: int, last: int, why: str, at: datetime) -> bytes:
    """Numbers that are left out on purpose."""
    data = {"from_seq": first, "to_seq": last, "why": why}
    return frame(Event.GAPFILL, last, None, rest_of(data, at=at, expires_at=None))


@dataclass(slots=True, eq=False)
class Connected:
    """One open connection: its agent where it has a name, the account it is bound to where it said so, the number it was told
    last. Until it has been told what is open, and while a number is missing, frames are held back.
    """

    user_id: UserId
    line: Line
    agent_id: str | None = None
    account_id: AccountId | None = None
    last_seq: int = 0
    counted: int = 0
    is_ready: bool = False
    held: dict[int, Told] = field(default_factory=dict)

    def takes(self, account_id: AccountId) -> bool:
        """Whether commands of this account are its own: of an agent that has not said its login, all are."""
        return self.account_id in {None, account_id}

    def tell(self, seq: int, told: Told) -> None:
        """Whose it is, is decided when it leaves: an agent may say its login meanwhile."""
        if self.is_ready and seq == self.last_seq + 1 and not self.held:
            self._send(seq, told)
            return
        self.held[seq] = told
        if self.is_ready:
            self.flush()

    def count_on(self) -> int:
        """The number of the next command of one without a name."""
        self.counted += 1
        return self.counted

    def flush(self) -> None:
        for seq in [one for one in self.held if one <= self.last_seq]:
            del self.held[seq]
        while (told := self.held.pop(self.last_seq + 1, None)) is not None:
            self._send(self.last_seq + 1, told)

    def _send(self, seq: int, told: Told) -> None:
        self.last_seq = seq
        self.write(told.frame if self.takes(told.account_id) else skip(seq, seq, OTHERS, told.at))

    def write(self, told: bytes) -> None:
        if not self.line.write(told):
            self.line.end(Closing.TOO_SLOW)
