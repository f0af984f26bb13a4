"""The hourly self-check: silent where both ledgers agree, mending what it can, and loud about the rest."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.execution import State
from copydesk.domain.venue import PAPER
from copydesk.engine import selfcheck
from desk_support import CLOCK


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(selfcheck, "YOUNG", timedelta(0))
    monkeypatch.setattr(selfcheck, "PACE_S", 0.0)
    monkeypatch.setattr(selfcheck, "MEND_S", 2.0)


async def checked(desk):
    """The health that the API and the metrics show after one round."""
    await desk.desk.self_check.check_all()
    return (await desk.store.read(lambda tables: tables.checks.health()))["ledger_discrepancies"]


async def test_ledgers_that_agree_are_found_to_agree_stops_and_paper_too(desk):
    await desk.follow()
    await desk.follow(venue=PAPER)
    for action in ("buy", "close", "open_short"):
        await desk.settled(await desk.signal(action), legs=("open", "close", "stop_loss"))

    assert await checked(desk) == 0
    health = await desk.store.read(lambda tables: tables.checks.health())
    assert CLOCK.now() - health["ledger_checked_at"] < timedelta(seconds=60)


async def test_an_order_that_was_believed_absent_is_found_and_adopted(desk):
    follower = await desk.follow(custom_stop_loss_pct=Decimal(0), custom_take_profit_pct=Decimal(0))
    (opened,) = await desk.settled(await desk.signal("buy"))
    forgotten = replace(
        opened, state=State.NOT_PLACED, executed_quantity=Decimal(0), executed_price=None, exchange_order_id=None
    )
    await desk.store.write(lambda tables: force(tables, opened, forgotten))

    assert await checked(desk) == 0

    found = await desk.store.read(lambda tables: tables.executions.get(opened.id))
    assert (found.state, found.executed_quantity) == (State.FILLED, opened.executed_quantity)
    assert (await desk.position(follower)).quantity == opened.executed_quantity


async def test_a_fill_that_the_venue_never_had_is_a_discrepancy(desk):
    await desk.follow(custom_stop_loss_pct=Decimal(0), custom_take_profit_pct=Decimal(0))
    (opened,) = await desk.settled(await desk.signal("buy"))
    imagined = replace(opened, executed_quantity=opened.executed_quantity * 2)
    await desk.store.write(lambda tables: tables.executions.move(opened, imagined, at=CLOCK.now()))

    assert await checked(desk) == 1


async def test_a_position_that_somebody_closed_at_the_venue_is_a_discrepancy(desk):
    follower = await desk.follow(custom_stop_loss_pct=Decimal(0), custom_take_profit_pct=Decimal(0))
    (opened,) = await desk.settled(await desk.signal("buy"))
    session = await desk.desk.sessions.of(follower.account)
    params = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": str(opened.executed_quantity)}
    await session._call("POST", "order", params)

    assert await checked(desk) == 1


async def test_a_venue_that_does_not_answer_is_a_problem_and_no_discrepancy(desk):
    follower = await desk.follow()
    await desk.settled(await desk.signal("buy"))
    await desk.simulator.tell("faults", kind="html_502", probability=1, path="GET /fapi/v1/allOrders")

    assert await checked(desk) == 0
    problem = await desk.store.read(lambda tables: problem_of(tables, follower.account.id))
    assert "502" in problem


def problem_of(tables, account_id):
    from sqlalchemy import select

    from copydesk.stores import tables as schema

    query = select(schema.ledger_checks.c.problem).where(schema.ledger_checks.c.account_id == account_id)
    return tables.unit.connection.execute(query).scalar_one()


def force(tables, before, after):
    """Past the table of moves, as a bug would."""
    from copydesk.stores import tables as schema
    from copydesk.stores.rows import dump

    rows, held = schema.bot_signal_executions, schema.positions
    tables.unit.connection.execute(rows.update().where(rows.c.id == before.id).values(dump(after)))
    tables.unit.connection.execute(held.delete().where(held.c.subscription_id == before.subscription_id))
