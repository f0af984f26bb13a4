"""The state file: accounts with all they hold and did, terminals and who is logged in; prices are not kept."""

from pathlib import Path

import msgspec

from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.edge.desk import Desk
from copydesk.simulators.metatrader5.edge.terminals import Terminal


class StateFileError(Exception):
    """The file is not one of this simulator's; the text names it."""


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``now_ms``: the server's clock, so that virtual time goes on where it stopped."""

    simulator: str = "metatrader5"
    now_ms: int
    ticket: int
    accounts: list[Account]
    terminals: list[Terminal]


def encoded(desk: Desk, *, timeless: bool = False) -> bytes:
    """``timeless``: without the time, to tell whether anything else has changed."""
    state = State(
        now_ms=0 if timeless else desk.venue.now_ms,
        ticket=desk.venue.ticket,
        accounts=list(desk.venue.accounts.values()),
        terminals=desk.terminals.all(),
    )
    return msgspec.json.format(msgspec.json.encode(state))


def save(content: bytes, file: Path) -> None:
    """All or nothing: a killed process leaves the old file or the new one. Raises OSError."""
    draft = file.with_name(f"{file.name}.new")
    draft.touch(mode=0o600)  # passwords, if only of play money
    draft.write_bytes(content)
    draft.replace(file)


def load(file: Path) -> State | None:
    """None where there is no file yet. Raises StateFileError, OSError."""
    if not file.exists():
        return None
    try:
        found = msgspec.json.decode(file.read_bytes(), type=State)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateFileError(f"{file}: not a state file of this simulator ({error})") from None
    if found.simulator != "metatrader5":
        raise StateFileError(f"{file}: of the simulator {found.simulator}")
    return found


def restore(desk: Desk, state: State) -> None:
    """Into a desk without accounts; nights that passed in between charge no swap."""
    desk.venue.ticket = state.ticket
    desk.venue.accounts = {each.login: each for each in state.accounts}
    for each in state.terminals:
        desk.terminals.adopt(each)
