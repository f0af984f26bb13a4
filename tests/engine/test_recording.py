"""Results that nobody waits for: each is told of once, whatever becomes of the desk and of the others."""

import asyncio

import pytest
from msgspec.structs import replace

from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.execution import State
from copydesk.domain.life import Shown, Unclear
from copydesk.engine.recording import Recorder
from copydesk.engine.rush import Rush
from copydesk.ports.clock import SystemClock
from desk_support import CLOCK
from store_support import make_execution


class Store:
    """Stores nothing, and says so."""

    def __init__(self):
        self.writes = 0

    async def write(self, work):
        self.writes += 1
        raise StoreUnavailable("away")


class Begun(list):
    """What the desk was asked to begin, and began."""

    def __call__(self, work):
        self.append(asyncio.get_running_loop().create_task(work))
        return True


@pytest.fixture
def recorder():
    return Recorder(Store(), None, CLOCK, None, Rush(CLOCK, lambda: False), Begun())


SHOWN = Shown(report=None)
OPENING = make_execution(
    leg="open", state=State.SENDING, plan={"inputs": {"stop_loss_pct": "0", "take_profit_pct": "0"}}
)
GUARDED = replace(OPENING, plan={"inputs": {"stop_loss_pct": "2", "take_profit_pct": "0"}})
CLOSE = replace(OPENING, leg="close", plan={})


def put(recorder, told, execution=OPENING):
    recorder.put(execution, SHOWN, None, lambda settled, failure: told.append((settled, str(failure))))


async def test_what_could_not_be_stored_is_told_once(recorder):
    told = []
    put(recorder, told)
    put(recorder, told)
    await asyncio.gather(*recorder.start)
    await asyncio.sleep(0)

    assert told == [(None, "away")] * 2
    assert (len(recorder.start), recorder.store.writes) == (1, 1)


async def test_a_desk_that_stops_before_it_began_to_store_tells_so_and_the_next_one_stores(recorder):
    told = []
    put(recorder, told)
    recorder.start[0].cancel()
    await asyncio.wait(recorder.start)
    recorder.give_up()
    await asyncio.sleep(0)
    assert told == [(None, "the desk is stopping")]

    put(recorder, told)
    await asyncio.wait(recorder.start)
    await asyncio.sleep(0)
    assert told[1:] == [(None, "away")]


async def test_one_whose_consequences_break_leaves_the_others_theirs(recorder):
    told, broken = [], []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: broken.append(context["exception"]))
    recorder.put(OPENING, SHOWN, None, lambda *_: 1 / 0)
    put(recorder, told)
    await asyncio.wait(recorder.start)
    await asyncio.sleep(0)

    assert told == [(None, "away")]
    assert [type(one) for one in broken] == [ZeroDivisionError]


async def test_a_stopped_desk_begins_nothing_and_says_so(recorder):
    told = []
    recorder.start = lambda work: work.close()
    put(recorder, told)
    await asyncio.sleep(0)

    assert told == [(None, "the desk is stopping")]


@pytest.mark.parametrize(
    ("first", "event"),
    [
        (GUARDED, SHOWN),
        (CLOSE, SHOWN),
        (OPENING, Unclear(reason="no answer in time")),
        (replace(OPENING, state=State.NOT_PLACED), SHOWN),
    ],
)
async def test_while_a_signal_goes_out_what_something_follows_from_is_stored_before_paperwork(first, event):
    rush, told, heard = Rush(SystemClock(), lambda: False), [], asyncio.Event()
    recorder = Recorder(Store(), None, SystemClock(), None, rush, Begun())
    with rush.under_way():
        put(recorder, told, OPENING)
        recorder.put(first, event, None, lambda *_: heard.set())
        await heard.wait()
        assert (told, recorder.store.writes) == ([], 1)
    await asyncio.gather(*recorder.start)
    await asyncio.sleep(0)

    assert (len(told), recorder.store.writes) == (1, 2)


async def test_where_somebody_waits_for_what_is_under_way_there_is_no_paperwork():
    rush, told = Rush(SystemClock(), lambda: True), []
    recorder = Recorder(Store(), None, SystemClock(), None, rush, Begun())
    with rush.under_way():
        put(recorder, told, OPENING)
        put(recorder, told, CLOSE)
        await asyncio.gather(*recorder.start)
    await asyncio.sleep(0)

    assert (len(told), recorder.store.writes) == (2, 1)
