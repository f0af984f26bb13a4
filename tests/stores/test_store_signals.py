"""Signals: stored as they were read, recognised when they come again, and taken once however many ask at a time."""

import asyncio
import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.bot import BotStatus
from copydesk.domain.errors import Conflict, InvalidInput, NotFound
from copydesk.domain.signal import Action, Direction, Instruction, LegKind, Size, SizeUnit, SourceKind, Step
from copydesk.engine.intake import Intake
from copydesk.sources.tradingview import open_alert, read_alert
from store_support import NOW, StoppedClock, new_desk


def an_instruction(**changes):
    made = Instruction(
        ticker="BTCUSDT", symbol="BTCUSDT", action=Action.BUY, key="k", key_ttl_s=60, price=Decimal(1), payload={}
    )
    return replace(made, **changes)


def accept(store, desk, instruction, at=NOW):
    intake = Intake(store, StoppedClock(at))
    return intake.accept(desk.bot.id, instruction, source=SourceKind.TRADINGVIEW, received_at=at)


async def test_a_signal_comes_back_with_every_field(store, desk):
    third = Decimal(1) / Decimal(3)
    signal = desk.signal(
        source=SourceKind.DESK,
        action=Action.CLOSE_SHORT,
        price=None,
        size=Size(unit=SizeUnit.PERCENT, amount=Decimal("12.5")),
        steps=(
            Step(leg=LegKind.CLOSE, direction=Direction.SHORT, fraction=third),
            Step(leg=LegKind.OPEN, direction=Direction.LONG),
        ),
        note="the strategy turned",
    )

    await store.write(lambda tables: tables.signals.add(signal))

    assert await store.read(lambda tables: tables.signals.get(signal.id)) == signal
    assert await store.read(lambda tables: tables.signals.get("no such signal")) is None


async def test_a_signal_waits_until_it_is_fanned_out(store, desk):
    signals = [desk.signal() for _ in range(3)]
    for signal in signals[::-1]:
        await store.write(lambda tables, one=signal: tables.signals.add(one))

    before = await store.read(lambda tables: tables.signals.waiting())
    await store.write(lambda tables: tables.signals.mark_fanned_out(signals[1].id, NOW))
    after = await store.read(lambda tables: tables.signals.waiting())

    assert before == signals
    assert after == [signals[0], signals[2]]


async def test_signals_of_one_millisecond_wait_in_the_order_they_were_accepted(store, desk):
    accepted = [await accept(store, desk, an_instruction(key=str(number))) for number in range(20)]

    waiting = await store.read(lambda tables: tables.signals.waiting())

    assert [signal.id for signal in waiting] == [one.signal_id for one in accepted]


async def test_a_key_is_known_until_it_expires_and_to_its_own_bot_only(store, desk):
    other = await store.write(new_desk)
    signal, end = desk.signal(), NOW + timedelta(seconds=60)
    await store.write(
        lambda tables: (tables.signals.add(signal), tables.signals.remember(desk.bot.id, "k", signal.id, end))
    )

    async def known(bot, key, at):
        return await store.read(lambda tables: tables.signals.known(bot.id, key, at))

    assert await known(desk.bot, "k", NOW) == signal.id
    assert await known(desk.bot, "k", end - timedelta(microseconds=1)) == signal.id
    assert await known(desk.bot, "k", end) is None
    assert await known(desk.bot, "another", NOW) is None
    assert await known(other.bot, "k", NOW) is None


async def test_a_key_may_be_remembered_again_for_a_later_signal(store, desk):
    first, second = desk.signal(), desk.signal()

    def remember(tables):
        for days, signal in enumerate((first, second), 1):
            tables.signals.add(signal)
            tables.signals.remember(desk.bot.id, "k", signal.id, NOW + timedelta(days=days))

    await store.write(remember)

    late = NOW + timedelta(days=1, hours=12)
    assert await store.read(lambda tables: tables.signals.known(desk.bot.id, "k", late)) == second.id


async def test_a_bots_own_position_is_kept_by_symbol(store, desk):
    def move(tables):
        tables.signals.set_held_by_bot(desk.bot.id, "BTCUSDT", Direction.LONG, NOW)
        tables.signals.set_held_by_bot(desk.bot.id, "BTCUSDT", Direction.SHORT, NOW)
        tables.signals.set_held_by_bot(desk.bot.id, "ETHUSDT", Direction.LONG, NOW)

    await store.write(move)

    async def held(symbol):
        return await store.read(lambda tables: tables.signals.held_by_bot(desk.bot.id, symbol))

    assert [await held(one) for one in ("BTCUSDT", "ETHUSDT", "XRPUSDT")] == [
        Direction.SHORT,
        Direction.LONG,
        Direction.FLAT,
    ]
    symbols = await store.read(lambda tables: tables.signals.symbols_of_bot(desk.bot.id))
    assert sorted(symbols) == ["BTCUSDT", "ETHUSDT"]


async def test_a_hundred_hands_with_the_same_alert_make_one_signal(store, desk):
    acceptances = await asyncio.gather(*(accept(store, desk, an_instruction()) for _ in range(100)))

    stored = await store.read(lambda tables: tables.signals.waiting())

    assert len(stored) == 1
    assert {one.signal_id for one in acceptances} == {stored[0].id}
    assert sorted(one.duplicate for one in acceptances) == [False] + [True] * 99
    assert {one.subscribers for one in acceptances} == {1}


async def test_two_hubs_with_the_same_alerts_make_each_signal_once(address, store, vault, desk):
    second_database = address.open()
    await second_database.start()
    second = type(store)(second_database, vault)

    acceptances = await asyncio.gather(
        *(accept(hub, desk, an_instruction(key=str(key))) for key in range(10) for hub in (store, second))
    )
    await second_database.close()

    assert len({one.signal_id for one in acceptances}) == 10
    assert sum(not one.duplicate for one in acceptances) == 10


async def test_the_same_words_after_the_keys_time_are_a_new_signal(store, desk):
    first = await accept(store, desk, an_instruction())
    repeat = await accept(store, desk, an_instruction(), NOW + timedelta(seconds=59))
    later = await accept(store, desk, an_instruction(), NOW + timedelta(seconds=60))

    assert repeat.signal_id == first.signal_id
    assert repeat.duplicate
    assert later.signal_id != first.signal_id
    assert not later.duplicate


async def test_what_the_bot_holds_decides_what_the_next_signal_means(store, desk):
    await accept(store, desk, an_instruction(key="1", action=Action.BUY))
    await accept(store, desk, an_instruction(key="2", action=Action.SELL), NOW + timedelta(seconds=1))

    opened, closed = await store.read(lambda tables: tables.signals.waiting())

    assert opened.steps == (Step(leg=LegKind.OPEN, direction=Direction.LONG),)
    assert closed.steps == (Step(leg=LegKind.CLOSE, direction=Direction.LONG),)
    assert await store.read(lambda tables: tables.signals.held_by_bot(desk.bot.id, "BTCUSDT")) is Direction.FLAT


@pytest.mark.parametrize("status", [BotStatus.PAUSED, BotStatus.ARCHIVED])
async def test_a_bot_that_does_not_listen_stores_nothing(store, desk, status):
    await store.write(lambda tables: tables.bots.change(desk.bot.id, {"status": status}, NOW))

    with pytest.raises(Conflict, match=str(status)):
        await accept(store, desk, an_instruction())

    assert await store.read(lambda tables: tables.signals.waiting()) == []


async def test_a_signal_for_no_bot_is_refused(store, desk):
    nowhere = dataclasses.replace(desk, bot=replace(desk.bot, id="nobody"))

    with pytest.raises(NotFound):
        await accept(store, nowhere, an_instruction())


async def test_a_meaningless_signal_leaves_nothing_behind(store):
    spot = await store.write(lambda tables: new_desk(tables, market_type="spot"))

    with pytest.raises(InvalidInput, match="spot"):
        await accept(store, spot, an_instruction(action=Action.SELL))

    assert await store.read(lambda tables: tables.signals.waiting()) == []
    assert await store.read(lambda tables: tables.signals.known(spot.bot.id, "k", NOW)) is None


@pytest.mark.parametrize(
    "more",
    [
        '"price": NaN',  # what TradingView writes for a plot without a value (facts/binance.md §4)
        '"plot_0": NaN',
        '"spread": 1e999',
        '"comment": "\\u0000"',
        '"comment": "\\ud800"',
    ],
)
async def test_an_alert_that_was_read_can_be_stored(store, desk, more):
    alert = open_alert(f'{{"ticker": "BTCUSDT", "action": "buy", {more}}}'.encode())
    (instruction,) = read_alert(alert, NOW)

    acceptance = await accept(store, desk, instruction)

    assert (await store.read(lambda tables: tables.signals.get(acceptance.signal_id))).symbol == "BTCUSDT"


async def test_several_instructions_are_stored_together_in_their_order(store, desk):
    intake = Intake(store, StoppedClock(NOW))
    close, enter = an_instruction(action=Action.CLOSE, key="1"), an_instruction(action=Action.OPEN_SHORT, key="2")

    accepted = await intake.accept_all(desk.bot.id, [close, enter], source=SourceKind.TRADINGVIEW, received_at=NOW)
    again = await intake.accept_all(desk.bot.id, [close, enter], source=SourceKind.TRADINGVIEW, received_at=NOW)

    waiting = await store.read(lambda tables: tables.signals.waiting())
    assert [one.id for one in waiting] == [one.signal_id for one in accepted] == [one.signal_id for one in again]
    assert [one.action for one in waiting] == [Action.CLOSE, Action.OPEN_SHORT]
    assert [one.duplicate for one in [*accepted, *again]] == [False, False, True, True]
    assert intake.arrived.is_set()


async def test_one_refused_instruction_takes_back_those_before_it(store, desk):
    """Neither their signals, nor the keys that would make the mended alert a repeat, nor where they led the bot."""
    intake = Intake(store, StoppedClock(NOW))
    enter = an_instruction(action=Action.OPEN_LONG, key="1")
    too_much = an_instruction(action=Action.CLOSE, key="2", size=Size(unit=SizeUnit.PERCENT, amount=Decimal(101)))

    with pytest.raises(InvalidInput) as refused:
        await intake.accept_all(desk.bot.id, [enter, too_much], source=SourceKind.TRADINGVIEW, received_at=NOW)

    held = await store.read(lambda tables: tables.signals.held_by_bot(desk.bot.id, "BTCUSDT"))
    assert [one.field for one in refused.value.fields] == ["[1].action"]
    assert await store.read(lambda tables: tables.signals.waiting()) == []
    assert held is Direction.FLAT
    assert not intake.arrived.is_set()
    assert (await accept(store, desk, enter)).duplicate is False


async def test_a_key_and_a_symbol_belong_to_their_bot(store, desk):
    other = (await store.write(new_desk)).bot
    at_one, at_other = desk.signal(), desk.signal(bot_id=other.id)

    def work(tables):
        for signal in (at_one, at_other):
            tables.signals.add(signal)
        tables.signals.remember(desk.bot.id, "mine", at_one.id, NOW + timedelta(days=1))
        tables.signals.remember(other.id, "theirs", at_other.id, NOW + timedelta(days=1))
        tables.signals.set_held_by_bot(desk.bot.id, "BTCUSDT", Direction.LONG, NOW)

    await store.write(work)

    def ask(tables):
        told = [(desk.bot.id, "mine", "BTCUSDT"), (other.id, "theirs", "BTCUSDT"), (other.id, "mine", "ETHUSDT")]
        tables.signals.read_ahead(told)
        known = [tables.signals.known(bot_id, key, NOW) for bot_id, key, _ in told]
        return known, [tables.signals.held_by_bot(bot_id, symbol) for bot_id, _, symbol in told]

    known, held = await store.read(ask)
    assert known == [at_one.id, at_other.id, None]
    assert held == [Direction.LONG, Direction.FLAT, Direction.FLAT]


@pytest.mark.parametrize("count", [1, 15, 16, 17, 50])
async def test_however_many_signals_a_transaction_adds_all_of_them_are_there(store, desk, count):
    signals = [desk.signal() for _ in range(count)]

    def work(tables):
        for number, signal in enumerate(signals):
            tables.signals.add(signal)
            tables.signals.remember(desk.bot.id, str(number), signal.id, NOW + timedelta(days=1))

    await store.write(work)

    assert await store.read(lambda tables: tables.signals.waiting()) == signals
    told = [(desk.bot.id, str(number), "BTCUSDT") for number in range(count)]

    def ask(tables):
        tables.signals.read_ahead(told)
        return [tables.signals.known(bot_id, key, NOW) for bot_id, key, _ in told]

    assert await store.read(ask) == [one.id for one in signals]
