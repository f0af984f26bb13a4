"""What already counts against a follower: read and reserved at one moment, on every database."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from copydesk.domain.execution import FINAL, State
from copydesk.domain.guards import Exposure, refuse_open
from copydesk.domain.subscription import KeyCheck, PositionMode
from copydesk.ports.store import Preparation
from store_support import NOW, make_bot, make_position, make_subscription


async def exposure(store, desk, subscription=None, symbol="BTCUSDT", at=NOW):
    wanted = subscription or desk.subscription
    (follower,) = await store.read(lambda tables: tables.followers.followers(desk.bot, symbol, [wanted.id], at))
    return follower.exposure


async def second_subscription(store, desk):
    """The same account follows another bot."""
    bot = make_bot(owner_id=desk.provider.id)
    made = make_subscription(owner_id=desk.follower.id, bot_id=bot.id, account_id=desk.account.id)

    def add(tables):
        tables.bots.add(bot, f"print {bot.id}")
        tables.subscriptions.add(made)

    await store.write(add)
    return made


async def add_execution(store, desk, **changes):
    signal = desk.signal()
    execution = desk.execution(signal, **changes)
    await store.write(lambda tables: (tables.signals.add(signal), tables.executions.add([execution])))
    return execution


async def test_a_follower_who_did_nothing_has_no_exposure(store, desk):
    followers = await store.read(
        lambda tables: tables.followers.followers(desk.bot, "BTCUSDT", [desk.subscription.id, "no such"], NOW)
    )

    (follower,) = followers
    assert follower.bot == desk.bot
    assert follower.subscription == desk.subscription
    assert follower.account == desk.account
    assert follower.position is None
    assert follower.exposure == Exposure()


async def test_other_symbols_held_or_being_opened_take_slots(store, desk):
    held = await add_execution(store, desk, symbol="ETHUSDT", state=State.FILLED)
    await store.write(lambda tables: tables.positions.put(held, make_position(), NOW))
    await add_execution(store, desk, symbol="ETHUSDT", state=State.SENDING)
    await add_execution(store, desk, symbol="XRPUSDT", state=State.UNKNOWN)
    await add_execution(store, desk, symbol="SOLUSDT", leg="close", state=State.SENDING)
    await add_execution(store, desk, symbol="ADAUSDT", leg="stop_loss", state=State.WORKING)

    assert (await exposure(store, desk, symbol="BTCUSDT")).slots_used == 2
    assert (await exposure(store, desk, symbol="ETHUSDT")).slots_used == 1


@pytest.mark.parametrize("state", list(State))
async def test_only_a_final_state_gives_the_slot_back(store, desk, state):
    await add_execution(store, desk, symbol="ETHUSDT", state=state)

    assert (await exposure(store, desk)).slots_used == (0 if state in FINAL else 1)


async def test_the_position_on_the_symbol_itself_is_handed_over(store, desk):
    execution = await add_execution(store, desk, state=State.FILLED)
    await store.write(lambda tables: tables.positions.put(execution, make_position(), NOW))

    (follower,) = await store.read(
        lambda tables: tables.followers.followers(desk.bot, "BTCUSDT", [desk.subscription.id], NOW)
    )

    assert follower.position == make_position()
    assert follower.exposure == Exposure()


async def test_a_symbol_belongs_to_one_subscription_of_an_account(store, desk):
    other = await second_subscription(store, desk)
    await add_execution(store, desk, state=State.SENDING)

    assert (await exposure(store, desk)).symbol_taken_by is None
    assert (await exposure(store, desk, other)).symbol_taken_by == desk.subscription.id
    assert (await exposure(store, desk, other, symbol="ETHUSDT")).symbol_taken_by is None


async def test_a_held_symbol_is_taken_even_from_a_deleted_subscription(store, desk):
    other = await second_subscription(store, desk)
    execution = await add_execution(store, desk, state=State.FILLED)
    await store.write(lambda tables: tables.positions.put(execution, make_position(), NOW))

    await store.write(lambda tables: tables.subscriptions.change(desk.subscription.id, {"deleted_at": NOW}, NOW))

    assert (await exposure(store, desk, other)).symbol_taken_by == desk.subscription.id


async def test_the_loss_of_today_is_net_of_gains_and_never_negative(store, desk):
    limit = {"max_daily_loss_usd": Decimal(50)}
    await store.write(lambda tables: tables.subscriptions.change(desk.subscription.id, limit, NOW))

    async def book(amount, at=NOW):
        await store.write(
            lambda tables: tables.positions.add_result(desk.subscription.id, Decimal(amount), at),
        )

    await book("-20.5")
    await book("5.25")
    await book("-1000", NOW - timedelta(days=1))
    assert (await exposure(store, desk)).loss_today_usd == Decimal("15.25")

    await book("100")
    assert (await exposure(store, desk)).loss_today_usd == 0
    assert (await exposure(store, desk, at=NOW + timedelta(days=1))).loss_today_usd == 0


@pytest.mark.parametrize("limited", [True, False])
async def test_two_transactions_at_once_do_not_both_take_the_last_slot(store, desk, limited):
    most = {"max_concurrent_positions": 1 if limited else None}
    await store.write(lambda tables: tables.subscriptions.change(desk.subscription.id, most, NOW))
    signals = {symbol: desk.signal(symbol=symbol) for symbol in ("ETHUSDT", "XRPUSDT")}
    for signal in signals.values():
        await store.write(lambda tables, one=signal: tables.signals.add(one))

    def take(tables, symbol):
        (follower,) = tables.followers.followers(desk.bot, symbol, [desk.subscription.id], NOW)
        refusal = refuse_open(follower.subscription, follower.exposure)
        if refusal is None:
            tables.executions.add([desk.execution(signals[symbol], symbol=symbol, state=State.QUEUED)])
        connection = tables.positions._connection
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_sleep(0.2)"))
        return refusal.rule if refusal else "taken"

    told = await asyncio.gather(*(store.write(lambda tables, one=symbol: take(tables, one)) for symbol in signals))

    expected = ["max_concurrent_positions", "taken"] if limited else ["taken", "taken"]
    assert sorted(told) == expected


async def test_a_refused_key_is_stored_with_its_reason(store, desk):
    await store.write(lambda tables: tables.followers.refuse_key(desk.account.id, "it may withdraw", NOW))

    account = await store.read(lambda tables: tables.followers.account(desk.account.id))

    assert (account.key_check, account.key_problem) == (KeyCheck.REFUSED, "it may withdraw")


async def test_preparations_are_kept_by_account_and_symbol_until_forgotten(store, desk):
    first = Preparation(leverage=5, margin_mode="isolated", position_mode=PositionMode.ONE_WAY)
    second = Preparation(leverage=7, margin_mode="cross", position_mode=PositionMode.HEDGE)

    async def kept(symbol):
        return await store.read(lambda tables: tables.followers.preparation(desk.account.id, symbol))

    for made in (first, second):
        await store.write(
            lambda tables, one=made: tables.followers.save_preparation(desk.account.id, "BTCUSDT", one, NOW)
        )
    assert await kept("BTCUSDT") == second
    assert await kept("ETHUSDT") is None

    await store.write(lambda tables: tables.accounts.forget_preparations(desk.account.id))
    assert await kept("BTCUSDT") is None
