"""What fills opened and what it brought: positions, trades, each day's result, and the paper venue's ledger."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from copydesk.domain.position import increase
from copydesk.domain.signal import Direction
from copydesk.stores.paper import StoredPaperLedger
from store_support import NOW, make_paper_order, make_position, make_trade


@pytest.fixture
async def execution(store, desk):
    signal = desk.signal()
    made = desk.execution(signal)
    await store.write(lambda tables: (tables.signals.add(signal), tables.executions.add([made])))
    return made


def get(store, execution, symbol="BTCUSDT"):
    return store.read(lambda tables: tables.positions.get(execution.subscription_id, symbol))


async def test_a_position_comes_back_changes_and_goes(store, execution):
    position = make_position(
        direction=Direction.SHORT,
        entry_price=Decimal(200) / Decimal(3),
        closed_quantity=Decimal("0.000000000000000001"),
        closed_value=Decimal("12.5"),
        gross_usd=Decimal("-3.000000000000000001"),
    )
    smaller = replace(position, quantity=Decimal("0.001"))

    await store.write(lambda tables: tables.positions.put(execution, position, NOW))
    first = await get(store, execution)
    await store.write(lambda tables: tables.positions.put(execution, smaller, NOW))
    second = await get(store, execution)
    await store.write(lambda tables: tables.positions.put(execution, None, NOW))

    assert (first, second) == (position, smaller)
    assert await get(store, execution) is None
    assert await get(store, execution, "ETHUSDT") is None


async def test_positions_of_symbols_do_not_touch(store, desk, execution):
    ether = replace(execution, symbol="ETHUSDT")
    await store.write(lambda tables: tables.positions.put(execution, make_position(), NOW))
    await store.write(lambda tables: tables.positions.put(ether, make_position(quantity=Decimal(2)), NOW))

    await store.write(lambda tables: tables.positions.put(ether, None, NOW))

    assert await get(store, execution) == make_position()
    records = await store.read(lambda tables: tables.subscriptions.records([desk.subscription.id], NOW))
    assert records[desk.subscription.id].current_positions == 1
    assert await store.read(lambda tables: tables.accounts.is_in_use(desk.account.id)) is True


async def test_a_trade_is_stored_with_what_closed_it(store, database, execution):
    stop = replace(execution, leg="stop_loss")
    trade = make_trade(net_usd=Decimal("2.800000000000000001"))

    await store.write(lambda tables: tables.positions.add_trade(stop, trade))
    columns = "subscription_id, signal_id, symbol, closed_by, direction, CAST(net_usd AS TEXT)"
    rows = await database.read(lambda connection: connection.execute(text(f"SELECT {columns} FROM trades")).all())

    assert [tuple(row) for row in rows] == [
        (stop.subscription_id, stop.signal_id, "BTCUSDT", "stop_loss", "long", "2.800000000000000001")
    ]


async def test_the_results_of_a_day_add_up_in_utc(store, desk):
    last = datetime(2026, 3, 4, 23, 59, 59, 999_999, tzinfo=UTC)
    booked = [("-5.000000000000000001", last), ("2", last), ("-7", last + timedelta(microseconds=1))]
    for amount, at in booked:
        await store.write(
            lambda tables, net=Decimal(amount), when=at: tables.positions.add_result(desk.subscription.id, net, when)
        )

    async def loss(at):
        records = await store.read(lambda tables: tables.subscriptions.records([desk.subscription.id], at))
        return records[desk.subscription.id].loss_today_usd

    assert await loss(last) == Decimal("3.000000000000000001")
    assert await loss(last + timedelta(seconds=1)) == 7
    assert await loss(last + timedelta(days=2)) == 0


def slowly(tables, work, seconds):
    """Do the work and hold the transaction open for a while; SQLite's writes come one after the other anyway."""
    work(tables)
    connection = tables.positions._connection
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_sleep(:s)"), {"s": seconds})


async def test_the_first_results_of_a_day_booked_at_once_all_count(store, desk):
    def book(tables, amount):
        tables.positions.add_result(desk.subscription.id, amount, NOW)

    await asyncio.gather(
        *(
            store.write(
                lambda tables, net=Decimal(amount): slowly(tables, lambda inner: book(inner, net), 0.3),
            )
            for amount in (-5, -7)
        )
    )

    records = await store.read(lambda tables: tables.subscriptions.records([desk.subscription.id], NOW))
    assert records[desk.subscription.id].loss_today_usd == 12


async def test_later_results_booked_at_once_all_count(store, desk):
    await store.write(lambda tables: tables.positions.add_result(desk.subscription.id, Decimal(-1), NOW))

    await asyncio.gather(
        *(
            store.write(lambda tables: tables.positions.add_result(desk.subscription.id, Decimal(-1), NOW))
            for _ in range(20)
        )
    )

    records = await store.read(lambda tables: tables.subscriptions.records([desk.subscription.id], NOW))
    assert records[desk.subscription.id].loss_today_usd == 21


async def test_two_fills_of_one_position_settled_at_once_both_count(store, execution):
    await store.write(lambda tables: tables.positions.put(execution, make_position(quantity=Decimal(1)), NOW))

    def fill(tables):
        held = tables.positions.get(execution.subscription_id, execution.symbol)
        grown = increase(
            held, direction=Direction.LONG, quantity=Decimal(1), price=Decimal(95000), fee_usd=Decimal(0), at=NOW
        )
        tables.positions.put(execution, grown, NOW)

    await asyncio.gather(*(store.write(lambda tables: slowly(tables, fill, 0.3)) for _ in range(2)))

    assert (await get(store, execution)).quantity == 3


async def test_the_paper_ledger_keeps_orders_and_their_changes(store, database, desk):
    ledger = StoredPaperLedger(database)
    stop = make_paper_order(
        account_id=desk.account.id,
        direction=Direction.SHORT,
        reduce_only=True,
        trigger_price=Decimal("93296.1"),
        trigger_above=True,
        status="working",
        executed_quantity=Decimal(0),
        average_price=None,
        fee_usd=Decimal(0),
    )
    later = make_paper_order(account_id=desk.account.id, created_at=NOW + timedelta(microseconds=1))
    filled = replace(stop, status="filled", executed_quantity=Decimal("0.001"), average_price=Decimal("93290.25"))

    await ledger.add(later)
    await ledger.add(stop)
    before = await ledger.orders(desk.account.id)
    await ledger.save(filled)

    assert before == [stop, later]
    assert await ledger.orders(desk.account.id) == [filled, later]
    assert await ledger.find(desk.account.id, stop.client_order_id) == filled
    assert await ledger.find("another account", stop.client_order_id) is None
    assert await ledger.orders("another account") == []


async def test_the_paper_ledger_takes_a_client_order_id_once(database, desk):
    ledger = StoredPaperLedger(database)
    order = make_paper_order(account_id=desk.account.id)
    await ledger.add(order)

    with pytest.raises(Exception, match=r"(?i)unique"):
        await ledger.add(make_paper_order(account_id=desk.account.id, client_order_id=order.client_order_id))

    assert await ledger.orders(desk.account.id) == [order]
