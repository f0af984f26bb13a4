"""From the journal to a hub that accepts, refuses, or does not answer: nothing lost, nothing doubled, nothing late."""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from copydesk.domain.errors import IllegalMove
from copydesk.terminal.events import Event, Kind
from copydesk.terminal.hub import Accepted, Later, Refused
from copydesk.terminal.journal import Journal, Stage, Told
from copydesk.terminal.memory import Memory
from copydesk.terminal.messages import NETS, Sender
from copydesk.terminal.outbox import Outbox

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
ACCOUNT = "1001@Copydesk-Demo"
AWAY = Later(reason="connection refused")


class StoppedClock:
    def __init__(self):
        self.at = START
        self.slept = []

    def now(self):
        return self.at

    def elapsed(self):
        return self.at.timestamp()

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class FakeHub:
    """Answers what it is told to, then accepts; remembers every message."""

    def __init__(self):
        self.answers = []
        self.got = []
        self.is_through = asyncio.Event()

    async def post(self, message):
        self.got.append(message)
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            self.is_through.set()
        return answer or Accepted(signal_id=f"signal-{len(self.got)}", duplicate=False)

    def bodies(self):
        return [json.loads(one.body) for one in self.got]


class Bench:
    def __init__(self, path, *, signs_v0=False):
        self.clock, self.hub, self.told = StoppedClock(), FakeHub(), []
        self.journal = Journal(path)
        self.paused = None
        self.fresh = timedelta(seconds=30)
        sender = Sender(account="1001", login=1001, nonce="n", signs_v0=signs_v0)
        self.outbox = Outbox(
            self.journal,
            self.hub.post,
            sender,
            clock=self.clock,
            chance=random.Random(1),
            tell=lambda line, *, level="info": self.told.append((level, line)),
            freshness=lambda _event: self.fresh,
            may_send=lambda: self.paused,
        )

    def happen(self, *events, happened_at=START):
        self.journal.record(ACCOUNT, Memory(is_new=False), [(one, happened_at) for one in events], self.clock.at)

    def stages(self):
        return [(one.event.kind, one.stage) for one in self.journal.entries()]


@pytest.fixture
def bench(tmp_path):
    one = Bench(tmp_path / "journal.db")
    yield one
    one.journal.close()


def event(kind=Kind.OPEN, number=7, detail="1", volume="0.1", before="0", **more):
    return Event(
        kind=kind,
        number=number,
        identifier=number,
        symbol=more.pop("symbol", "EURUSD"),
        type=more.pop("type", "BUY"),
        detail=detail,
        moment_msc=1_000,
        volume=Decimal(volume),
        volume_before=Decimal(before),
        price=Decimal("1.085"),
        **more,
    )


async def test_what_the_hub_takes_is_sent_and_told(bench):
    bench.happen(event(sl=Decimal("1.08")))

    assert await bench.outbox.send_all() is None

    assert bench.stages() == [(Kind.OPEN, Stage.SENT)]
    body = bench.hub.bodies()[0]
    assert (body["event"], body["master_ticket"], body["volume"], body["sl"]) == ("OPEN", 7, "0.1", "1.08")
    assert bench.journal.told(7) == Told(volume=Decimal("0.1"))
    entry = bench.journal.entries()[0]
    assert (entry.accepted_at, entry.signal_id) == (START, "signal-1")


async def test_a_hub_that_is_away_gets_the_same_bytes_under_the_same_id_later(bench):
    bench.happen(event())
    bench.hub.answers = [AWAY, AWAY]

    assert [await bench.outbox.send_all() for _ in range(3)] == [AWAY, AWAY, None]

    assert len({(one.id, one.body) for one in bench.hub.got}) == 1
    assert bench.stages() == [(Kind.OPEN, Stage.SENT)]


async def test_a_restarted_outbox_sends_what_was_on_its_way_as_it_was(bench, tmp_path):
    bench.happen(event())
    bench.hub.answers = [AWAY]
    await bench.outbox.send_all()
    bench.journal.close()

    again = Bench(tmp_path / "journal.db")
    await again.outbox.send_all()

    assert (again.hub.got[0].id, again.hub.got[0].body) == (bench.hub.got[0].id, bench.hub.got[0].body)
    assert again.stages() == [(Kind.OPEN, Stage.SENT)]
    again.journal.close()


async def test_a_message_that_was_frozen_is_in_the_journal_before_it_leaves(bench):
    bench.happen(event())
    stages = []

    async def post(_message):
        stages.append(bench.stages())
        return AWAY

    bench.outbox._post = post
    await bench.outbox.send_all()

    assert stages == [[(Kind.OPEN, Stage.SENDING)]]


async def test_an_opening_that_is_too_old_is_given_up_before_it_is_sent(bench):
    bench.happen(event())
    bench.clock.at += timedelta(seconds=31)

    await bench.outbox.send_all()

    assert bench.stages() == [(Kind.OPEN, Stage.EXPIRED)]
    assert bench.hub.got == []
    assert "too late: 31 s old" in bench.journal.entries()[0].reason


async def test_an_opening_of_unknown_age_is_not_sent(bench):
    bench.happen(event(), happened_at=None)

    await bench.outbox.send_all()

    assert bench.stages() == [(Kind.OPEN, Stage.EXPIRED)]


async def test_an_opening_that_may_have_arrived_is_still_closed(bench):
    bench.happen(event())
    bench.hub.answers = [AWAY]
    await bench.outbox.send_all()
    bench.clock.at += timedelta(seconds=40)
    bench.happen(event(Kind.PARTIAL_CLOSE, volume="0.05", before="0.1"), event(Kind.CLOSE, volume="0", before="0.05"))

    await bench.outbox.send_all()

    assert bench.stages() == [
        (Kind.OPEN, Stage.EXPIRED),
        (Kind.PARTIAL_CLOSE, Stage.SENT),
        (Kind.CLOSE, Stage.SENT),
    ]
    assert "may have arrived" in bench.journal.entries()[0].reason
    assert [one.get("volume") for one in bench.hub.bodies()] == ["0.1", "0.05", None]
    assert [one.route for one in bench.hub.got[1:]] == ["/signal/close", "/signal/close"]


async def test_a_closing_is_sent_however_old_it_is(bench):
    bench.happen(event(Kind.CLOSE, volume="0", before="0.1"))
    bench.clock.at += timedelta(hours=10)

    await bench.outbox.send_all()

    assert bench.stages() == [(Kind.CLOSE, Stage.SENT)]


async def test_a_message_without_an_answer_for_most_of_a_day_is_not_sent_again(bench):
    bench.happen(event(Kind.CLOSE, volume="0", before="0.1"))
    bench.hub.answers = [AWAY]
    await bench.outbox.send_all()
    bench.clock.at += timedelta(hours=21)

    await bench.outbox.send_all()

    assert bench.stages() == [(Kind.CLOSE, Stage.EXPIRED)]
    assert len(bench.hub.got) == 1


async def test_one_refused_event_is_told_and_blocks_no_other(bench):
    bench.happen(event(), event(number=8))
    bench.hub.answers = [Refused(reason="EURUSD is not understood")]

    assert await bench.outbox.send_all() is None

    assert bench.stages() == [(Kind.OPEN, Stage.REFUSED), (Kind.OPEN, Stage.SENT)]
    assert ("warning", "refused by the hub: open EURUSD BUY 0.1 #7: EURUSD is not understood") in bench.told


async def test_order_is_kept_on_a_symbol_and_another_symbol_does_not_wait(bench):
    bench.happen(event(), event(Kind.CLOSE, volume="0", before="0.1"), event(number=8, symbol="XAUUSD"))
    bench.hub.answers = [AWAY, None]

    assert await bench.outbox.send_all() == AWAY

    assert bench.stages() == [(Kind.OPEN, Stage.SENDING), (Kind.CLOSE, Stage.NEW), (Kind.OPEN, Stage.SENT)]


async def test_nothing_is_sent_while_another_account_is_logged_in(bench):
    bench.happen(event())
    bench.paused = "the terminal is logged in to 1002"

    assert await bench.outbox.send_all() == Later(reason=bench.paused)
    assert bench.hub.got == []


async def test_a_part_is_closed_of_what_the_hub_knows_and_not_of_what_came_too_late(bench):
    bench.happen(event())
    await bench.outbox.send_all()
    bench.happen(event(Kind.GROW, volume="0.3", before="0.1"))
    bench.clock.at += timedelta(seconds=31)
    await bench.outbox.send_all()
    bench.happen(event(Kind.PARTIAL_CLOSE, volume="0.15", before="0.3"))
    await bench.outbox.send_all()

    assert bench.hub.bodies()[-1]["volume"] == "0.05"
    assert bench.journal.told(7) == Told(volume=Decimal("0.05"))
    bench.happen(event(Kind.GROW, detail="9", volume="0.25", before="0.15"), happened_at=bench.clock.at)
    await bench.outbox.send_all()
    assert bench.hub.bodies()[-1]["volume"] == "0.15"


async def test_a_growth_tells_the_whole_volume_so_that_repeating_it_does_no_harm(bench):
    bench.happen(event(), event(Kind.GROW, volume="0.3", before="0.1"))

    await bench.outbox.send_all()

    assert (bench.hub.bodies()[-1]["event"], bench.hub.bodies()[-1]["volume"]) == ("MODIFY", "0.3")


async def test_v0_has_no_ids_so_a_partial_close_tells_the_rest(tmp_path):
    bench = Bench(tmp_path / "journal.db", signs_v0=True)
    bench.happen(event(), event(Kind.PARTIAL_CLOSE, volume="0.04", before="0.1"))

    await bench.outbox.send_all()

    assert (bench.hub.bodies()[-1]["event"], bench.hub.bodies()[-1]["volume"]) == ("MODIFY", "0.04")
    bench.journal.close()


async def test_an_opening_that_the_hub_knows_already_is_closed_later(bench):
    """The journal was lost: the hub says 409, and the ticket is its all the same."""
    bench.happen(event())
    bench.hub.answers = [Refused(reason="ticket 7 is open already", conflicts=True)]
    await bench.outbox.send_all()
    bench.happen(event(Kind.PARTIAL_CLOSE, volume="0.05", before="0.1"))
    await bench.outbox.send_all()

    assert bench.hub.got[-1].route == "/signal/close"
    assert bench.stages()[-1] == (Kind.PARTIAL_CLOSE, Stage.SENT)


async def test_flashes_and_orders_of_a_netting_account_stay_in_the_journal_with_a_reason(bench):
    bench.happen(
        event(Kind.PENDING, type="BUY_LIMIT", nets=True),
        event(Kind.FLASH, number=8),
        event(Kind.ALARM, number=9, reason="it is gone"),
    )

    await bench.outbox.send_all()

    entries = bench.journal.entries()
    assert {one.stage for one in entries} == {Stage.KEPT}
    assert entries[0].reason == NETS
    assert any(level == "error" and "it is gone" in line for level, line in bench.told)


async def test_an_order_that_waits_is_told_from_its_placing_to_what_it_becomes(bench):
    waits = {"type": "BUY_LIMIT", "sl": Decimal("1.07")}
    bench.happen(event(Kind.PENDING, expires_at=START + timedelta(hours=1), **waits))
    bench.happen(event(Kind.PENDING_MODIFY, detail="2", **waits))
    bench.happen(event(Kind.PENDING_FILLED, **waits), event(Kind.OPEN))
    await bench.outbox.send_all()

    told = [json.loads(one.body) for one in bench.hub.got]
    assert [(one["event"], one["type"]) for one in told] == [
        ("OPEN", "BUY_LIMIT"),
        ("MODIFY", "BUY_LIMIT"),
        ("OPEN", "BUY"),
    ]
    assert (told[0]["expiration"], told[0]["sl"]) == ("2026-01-05T13:00:00+00:00", "1.07")
    assert bench.journal.told(7) == Told(volume=Decimal("0.1"))


async def test_an_order_that_is_taken_back_is_cancelled_and_over(bench):
    bench.happen(event(Kind.PENDING, type="SELL_STOP"), event(Kind.PENDING_REMOVE, type="SELL_STOP", reason="expired"))
    await bench.outbox.send_all()

    last = json.loads(bench.hub.got[-1].body)
    assert (last["event"], last["reason"]) == ("CANCEL", "expired")
    assert bench.journal.told(7) is None


async def test_an_order_that_was_filled_long_ago_is_told_as_a_change_and_opens_nothing_late(bench):
    bench.happen(event(Kind.PENDING, type="BUY_LIMIT"))
    await bench.outbox.send_all()
    bench.happen(event(Kind.OPEN))
    bench.clock.at += timedelta(hours=2)
    await bench.outbox.send_all()

    last = json.loads(bench.hub.got[-1].body)
    assert (last["event"], last["type"]) == ("MODIFY", "BUY")
    assert bench.journal.told(7) == Told(volume=Decimal("0.1"))


async def test_an_order_that_filled_and_closed_between_two_looks_is_closed_for_whoever_waits(bench):
    bench.happen(event(Kind.PENDING, type="BUY_LIMIT"))
    await bench.outbox.send_all()
    bench.happen(event(Kind.PENDING_FILLED, type="BUY_LIMIT"), event(Kind.FLASH))
    await bench.outbox.send_all()

    assert bench.hub.got[-1].route == "/signal/close"
    assert bench.journal.told(7) is None


async def test_the_same_happening_is_in_the_journal_once(bench):
    bench.happen(event())
    bench.happen(event())

    assert len(bench.journal.entries()) == 1


async def test_a_settled_event_cannot_be_settled_again(bench):
    bench.happen(event())
    entry = bench.journal.unsent()[0]
    with pytest.raises(IllegalMove):
        bench.journal.finish(entry, Stage.SENT)
    await bench.outbox.send_all()

    with pytest.raises(IllegalMove):
        bench.journal.finish(entry, Stage.EXPIRED)


async def test_the_running_outbox_waits_longer_each_time_and_says_so_once(bench):
    bench.happen(event(Kind.CLOSE, volume="0", before="0.1"))
    bench.hub.answers = [AWAY] * 8
    running = asyncio.ensure_future(bench.outbox.run())
    await asyncio.wait_for(bench.hub.is_through.wait(), 10)
    running.cancel()

    assert len(bench.clock.slept) == 8
    assert all(1 <= one <= 30 for one in bench.clock.slept)
    assert bench.clock.slept[-1] > bench.clock.slept[0]
    assert len([line for level, line in bench.told if level == "error"]) == 1
