"""Messages that come at once share a transaction, and each gets its own answer."""

import asyncio

import pytest

from copydesk.domain.errors import Conflict, StoreUnavailable
from copydesk.domain.signal import Action, Instruction, SourceKind
from copydesk.engine.intake import Intake
from copydesk.engine.together import Together
from desk_support import CLOCK


class Counted:
    """A store that counts its transactions, and may be away."""

    def __init__(self, store):
        self._store = store
        self.writes = 0
        self.is_away = False

    async def write_ahead(self, work):
        self.writes += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreUnavailable("away")
        return await self._store.write_ahead(work)


@pytest.fixture
def store(desk):
    return Counted(desk.store)


@pytest.fixture
def accept(store, desk):
    intake = Intake(store, CLOCK)

    async def accepted(*instructions, bot=desk.bot):
        return await intake.accept_all(bot.id, instructions, source=SourceKind.TRADINGVIEW, received_at=CLOCK.now())

    return accepted


def tell(key, action=Action.OPEN_LONG, symbol="BTCUSDT", **more):
    told = {"ticker": symbol, "symbol": symbol, "action": action, "key": key, "key_ttl_s": 60, "payload": {}}
    return Instruction(**told | more)


async def outcomes(*works):
    return await asyncio.gather(*works, return_exceptions=True)


async def test_those_that_come_at_once_share_a_transaction(accept, store, desk):
    found = await outcomes(*(accept(tell(str(number), symbol=f"S{number}USDT")) for number in range(20)))

    assert len({one.signal_id for (one,) in found}) == 20
    assert store.writes == 1


async def test_a_repeat_beside_its_first_is_known(accept, store):
    found = await outcomes(*(accept(tell("the same")) for _ in range(10)))

    assert len({one.signal_id for (one,) in found}) == 1
    assert [one.duplicate for (one,) in found] == [False] + [True] * 9
    assert store.writes == 1


async def test_another_message_under_a_used_id_is_refused_alone(accept):
    used, again, other = await outcomes(
        accept(tell("id", content="one")), accept(tell("id", content="two")), accept(tell("another"))
    )

    assert not used[0].duplicate
    assert isinstance(again, Conflict)
    assert not other[0].duplicate


async def test_each_signal_steers_by_what_those_before_it_in_the_transaction_did(accept, desk):
    opened, turned = await outcomes(accept(tell("1")), accept(tell("2", Action.OPEN_SHORT)))

    signals = [
        await desk.store.read(lambda tables, one=one: tables.signals.get(one[0].signal_id)) for one in (opened, turned)
    ]
    assert [step.leg.value for step in signals[0].steps] == ["open"]
    assert next(step.leg.value for step in signals[1].steps) == "close"


async def test_of_a_message_with_several_instructions_all_are_taken_or_none_and_the_others_are(accept, desk, store):
    several = accept(tell("x"), tell("y", content="new"))
    await accept(tell("y", content="old"))
    refused, single = await outcomes(several, accept(tell("z")))

    assert isinstance(refused, Conflict)
    assert not single[0].duplicate
    assert await desk.store.read(lambda tables: tables.signals.known(desk.bot.id, "x", CLOCK.now())) is None


async def test_where_nothing_can_be_stored_everybody_is_told(accept, store):
    store.is_away = True
    found = await outcomes(*(accept(tell(str(number))) for number in range(5)))

    assert [str(one) for one in found] == ["away"] * 5
    assert store.writes == 1


async def test_what_breaks_one_is_not_told_to_those_beside_it():
    async def store(entries):
        if "broken" in entries:
            raise ZeroDivisionError
        return entries

    together = Together(store, 10)
    found = await outcomes(*(together.do(one) for one in ("a", "b", "broken", "c")))

    assert [found[0], found[1], found[3]] == ["a", "b", "c"]
    assert isinstance(found[2], ZeroDivisionError)


async def test_whoever_is_cancelled_while_waiting_is_not_stored_with_those_who_come_later():
    began, go_on, asked = asyncio.Event(), asyncio.Event(), []

    async def store(entries):
        asked.append(list(entries))
        began.set()
        await go_on.wait()
        return entries

    together = Together(store, 10)
    first = asyncio.create_task(together.do("first"))
    await began.wait()
    gone = asyncio.create_task(together.do("gone"))
    await asyncio.sleep(0)
    gone.cancel()
    await outcomes(gone)
    go_on.set()

    assert (await first, await together.do("later")) == ("first", "later")
    assert asked == [["first"], ["later"]]


async def test_whoever_stored_for_others_and_is_cancelled_leaves_nobody_waiting():
    began, go_on = asyncio.Event(), asyncio.Event()

    async def store(entries):
        began.set()
        await go_on.wait()
        return entries

    together = Together(store, 10)
    first = asyncio.create_task(together.do("first"))
    await began.wait()
    others = [asyncio.create_task(together.do(one)) for one in ("a", "b")]
    await asyncio.sleep(0)
    began.clear()
    first.cancel()
    await began.wait()
    others[0].cancel()
    found = await outcomes(*others)

    assert isinstance(found[1], StoreUnavailable)
    go_on.set()
    assert await together.do("later") == "later"
