"""What a window is told of the journals: open signals, what copies what, and what was not done with its reason."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from test_copier_rules import command
from test_copier_wire import FRAME
from test_outbox import ACCOUNT, START, StoppedClock

from copydesk.terminal.attachment import Trouble
from copydesk.terminal.codec import OrderRequest
from copydesk.terminal.copier.inbox import Inbox
from copydesk.terminal.copier.insight import copier_insight
from copydesk.terminal.copier.journal import CopierJournal, Filled, Stage
from copydesk.terminal.copier.wire import read_frame
from copydesk.terminal.events import Event, Kind
from copydesk.terminal.hub import Following, Standing
from copydesk.terminal.insight import master_insight
from copydesk.terminal.journal import Journal, Message, Told
from copydesk.terminal.journal import Stage as Way
from copydesk.terminal.memory import Memory

STANDING = Standing(username="paula", login=1001, path=None, bot_name="Gold", open_freshness_s=30)
AWAY = SimpleNamespace(trouble=Trouble(reason="the terminal has no connection to its broker"), seen=None, seen_at=0.0)


@pytest.fixture
def clock():
    return StoppedClock()


def event(ticket, kind=Kind.OPEN, **more):
    return Event(
        kind=kind,
        number=ticket,
        identifier=ticket,
        symbol="EURUSD",
        type="BUY",
        detail="",
        moment_msc=1,
        volume=Decimal("0.1"),
        price=Decimal("1.085"),
        **more,
    )


def send(journal, entry, told):
    message = Message(route="/signal/broadcast", id=f"m{entry.number}", body=b"{}", told=told)
    entry = journal.freeze(entry, message)
    journal.finish(entry, Way.SENT, accepted_at=START, hub_knows=True)


async def test_a_master_shows_what_the_hub_still_holds_open_and_why_the_rest_was_not_sent(tmp_path, clock):
    journal = Journal(tmp_path / "master.db")
    happened = [event(7), event(8), event(8, Kind.CLOSE), event(9), event(10)]
    journal.record(ACCOUNT, Memory(), [(one, START) for one in happened], START)
    first, second, closed, late, kept = journal.unsent()
    held = Told(volume=Decimal("0.1"))
    for entry, told in ((first, held), (second, held), (closed, None)):
        send(journal, entry, told)
    pending = [event(11, Kind.PENDING), event(11, Kind.PENDING_FILLED)]
    pending[0] = replace(pending[0], type="BUY_LIMIT")
    journal.record(ACCOUNT, Memory(), [(one, START) for one in pending], START)
    for entry in journal.unsent()[-2:]:
        send(journal, entry, held)
    journal.finish(late, Way.EXPIRED, reason="too late: 44 s old")
    journal.finish(kept, Way.KEPT, reason="opened and closed between two looks")

    seen = await master_insight(STANDING, AWAY, journal, clock)

    assert [(one.ticket, one.type) for one in seen.signals] == [(7, "BUY"), (11, "BUY")]
    assert [(one.ticket, one.reason) for one in seen.not_done] == [
        (10, "opened and closed between two looks"),
        (9, "too late: 44 s old"),
    ]
    assert (seen.sent, seen.bot, seen.trouble) == (5, "Gold", "the terminal has no connection to its broker")
    assert (seen.account, seen.looked_s) == (None, None)


async def test_a_copier_shows_which_position_copies_which_ticket_and_refusals_with_their_numbers(tmp_path, clock):
    path = tmp_path / "copier.db"
    journal, inbox = CopierJournal(path), Inbox(path)
    request = OrderRequest(action=1, symbol="EURUSD", type=0, volume=Decimal("0.04"))
    intent = journal.move(journal.write_ahead(command(), "open", request), Stage.SENT, sent_at=START)
    journal.move(intent, Stage.DONE, filled=Filled(volume=Decimal("0.04"), price=Decimal("1.085"), position=700))
    answers = {"cd-1": "filled", "cd-2": "refused", "cd-3": "refused"}
    for number, (name, status) in enumerate(answers.items()):
        frame = FRAME | {"id": name}
        inbox.take(frame, read_frame(frame), START + timedelta(seconds=number), number)
        reason = f"spread: the spread is {90 + number} points, at most 20 is allowed"
        inbox.answer(name, {"action": "result", "id": name, "status": status, "reason": reason})

    seen = await copier_insight(Following(username="ann", login=2001, path=None), AWAY, journal, inbox, clock)

    assert [(one.master_ticket, one.ticket, one.volume) for one in seen.copies] == [(7, 700, Decimal("0.04"))]
    assert [(one.id, one.what, one.ticket, one.reason) for one in seen.not_done] == [
        ("cd-3", "OPEN XAUUSD BUY 0.1", 7, "spread: the spread is 92 points, at most 20 is allowed"),
        ("cd-2", "OPEN XAUUSD BUY 0.1", 7, "spread: the spread is 91 points, at most 20 is allowed"),
    ]
    assert seen.not_done[0].at == START + timedelta(seconds=2)
