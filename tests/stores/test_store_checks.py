"""What the self-check, the daily loss and the streams read of the store, and what a check leaves behind."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.execution import State
from copydesk.domain.ids import client_order_id
from copydesk.domain.ledgers import Discrepancy
from copydesk.domain.subscription import CopyOptions, KeyCheck, OnDailyLoss, SubscriptionStatus
from copydesk.ports.store import LedgerCheck
from store_support import NOW, make_position, new_follower

HOUR = timedelta(hours=1)
FOUND = Discrepancy(what="filled", client_order_id="cd-x", symbol="BTCUSDT", ours="FILLED 1", venues="nothing")


@pytest.fixture
async def signal(store, desk):
    made = desk.signal()
    await store.write(lambda tables: tables.signals.add(made))
    return made


def check(account, *found, at=NOW):
    return LedgerCheck(account_id=account.id, checked_at=at, since=at - HOUR, orders=3, discrepancies=found)


async def sent(store, desk, signal, **changes):
    execution = desk.execution(signal, **changes)
    await store.write(lambda tables: tables.executions.add([execution]))
    return execution


async def test_the_newest_check_of_each_account_counts(store, desk):
    other = (await store.write(lambda tables: new_follower(tables, desk.bot)))[1]

    def work(tables):
        tables.checks.save(check(desk.account, FOUND, FOUND))
        tables.checks.save(check(desk.account, FOUND, at=NOW + HOUR))
        tables.checks.save(check(other, FOUND))
        return tables.checks.health()

    assert await store.write(work) == {"ledger_discrepancies": 2, "ledger_checked_at": NOW + HOUR}


async def test_a_desk_that_was_never_checked_says_so(store):
    health = await store.read(lambda tables: tables.checks.health())

    assert health == {"ledger_discrepancies": 0, "ledger_checked_at": None}


async def test_a_check_that_found_something_is_told_once_to_the_account_s_owner(store, desk):
    await store.write(lambda tables: tables.checks.save(check(desk.account)))
    _, _, before = await store.read(lambda tables: tables.notices.latest())
    await store.write(lambda tables: tables.checks.save(check(desk.account, FOUND, at=NOW + HOUR)))

    ((cursor, fact),) = await store.read(lambda tables: tables.notices.checks_after(before, 10))

    assert fact.owner_id == desk.follower.id
    assert fact.account_name == desk.account.name
    assert "1 differences" in fact.mismatch
    assert "FILLED 1" in fact.mismatch
    assert await store.read(lambda tables: tables.notices.checks_after(cursor, 10)) == []


async def test_accounts_are_compared_that_sent_something_or_hold_or_have_something_standing(store, desk, signal):
    accounts = [(await store.write(lambda tables: new_follower(tables, desk.bot)))[1:] for _ in range(3)]
    (sender, one), (holder, two), (_, _) = accounts
    await sent(store, desk, signal, account_id=sender.id, subscription_id=one.id, frozen_at=NOW, state=State.FILLED)
    held = desk.execution(signal, account_id=holder.id, subscription_id=two.id)
    await store.write(lambda tables: tables.positions.put(held, make_position(), NOW))
    await sent(store, desk, signal, state=State.WORKING, leg="stop_loss")

    found = await store.read(lambda tables: tables.checks.traded_since(NOW - HOUR))
    later = await store.read(lambda tables: tables.checks.traded_since(NOW + HOUR))

    assert {account.id for account in found} == {sender.id, holder.id, desk.account.id}
    assert {account.id for account in later} == {holder.id, desk.account.id}
    held_by = await store.read(lambda tables: tables.checks.held(holder.id))
    assert held_by == [("BTCUSDT", make_position())]


async def test_what_an_account_sent_is_found_by_when_it_was_frozen(store, desk, signal):
    execution = await sent(store, desk, signal, frozen_at=NOW, state=State.FILLED)

    assert await store.read(lambda tables: tables.checks.sent_since(desk.account.id, NOW)) == [execution]
    assert await store.read(lambda tables: tables.checks.sent_since(desk.account.id, NOW + HOUR)) == []


async def test_an_execution_is_found_by_its_latest_client_order_id(store, desk, signal):
    first, latest = client_order_id("x", 1), client_order_id("x", 2)
    execution = await sent(store, desk, signal, id="x", client_order_id=latest, state=State.SENDING)

    assert await store.read(lambda tables: tables.executions.of_client_order(latest)) == execution
    assert await store.read(lambda tables: tables.executions.of_client_order(first)) is None
    assert await store.read(lambda tables: tables.executions.on_accounts([desk.account.id])) == [execution]


async def test_what_is_final_is_looked_at_only_as_long_as_it_asks_for_it(store, desk, signal):
    ended = await sent(store, desk, signal, state=State.NOT_PLACED, next_look_at=NOW)
    due = await store.read(lambda tables: tables.executions.to_settle(NOW))
    await store.write(lambda tables: tables.executions.move(ended, replace(ended, next_look_at=None), at=NOW))

    assert due == [ended]
    assert await store.read(lambda tables: tables.executions.to_settle(NOW + HOUR)) == []


async def test_accounts_that_trade_are_those_that_listen_with_a_key_that_works(store, desk):
    trading = await store.read(lambda tables: tables.followers.trading())
    await store.write(lambda tables: tables.followers.refuse_key(desk.account.id, "no", NOW))
    refused = await store.read(lambda tables: tables.followers.trading())

    assert [account.id for account in trading] == [desk.account.id]
    assert trading[0].key_check is KeyCheck.ACCEPTED
    assert refused == []


async def test_an_account_nobody_listens_with_trades_while_something_stands(store, desk, signal):
    def pause(tables):
        tables.subscriptions.change(desk.subscription.id, {"status": SubscriptionStatus.PAUSED}, NOW)

    await store.write(pause)
    assert await store.read(lambda tables: tables.followers.trading()) == []

    await sent(store, desk, signal, state=State.WORKING, leg="stop_loss")
    assert [one.id for one in await store.read(lambda tables: tables.followers.trading())] == [desk.account.id]


@pytest.mark.parametrize(("chosen", "limit", "number"), [("flatten", 5, 1), ("stop_opens", 5, 0), ("flatten", None, 0)])
async def test_positions_at_risk_are_those_whose_followers_chose_to_be_taken_out(
    store, desk, signal, chosen, limit, number
):
    def work(tables):
        _, account, subscription = new_follower(
            tables,
            desk.bot,
            max_daily_loss_usd=None if limit is None else Decimal(limit),
            copy=CopyOptions(on_daily_loss=OnDailyLoss(chosen)),
        )
        execution = desk.execution(signal, account_id=account.id, subscription_id=subscription.id)
        tables.positions.put(execution, make_position(), NOW)
        tables.positions.add_result(subscription.id, Decimal("-1.5"), NOW)
        return subscription

    subscription = await store.write(work)
    found = await store.read(lambda tables: tables.positions.at_risk(NOW))

    assert len(found) == number
    for one in found:
        assert (one.subscription, one.symbol, one.position) == (subscription, "BTCUSDT", make_position())
        assert one.result_usd == Decimal("-1.5")


async def test_a_day_that_was_ended_opens_nothing_until_the_next(store, desk):
    limit = {"max_daily_loss_usd": Decimal(50)}
    await store.write(lambda tables: tables.subscriptions.change(desk.subscription.id, limit, NOW))
    await store.write(lambda tables: tables.positions.end_day(desk.subscription.id, NOW))

    def exposure(at):
        return lambda tables: tables.followers.followers(desk.bot, "BTCUSDT", [desk.subscription.id], at)[0].exposure

    assert (await store.read(exposure(NOW))).day_has_ended
    assert not (await store.read(exposure(NOW + timedelta(days=1)))).day_has_ended


async def test_a_stop_that_still_stands_keeps_the_symbol_for_its_own_subscription(store, desk, signal):
    def work(tables):
        other = new_follower(tables, desk.bot, account_id=desk.account.id)[2]
        tables.executions.add([desk.execution(signal, leg="stop_loss", state=State.WORKING)])
        return tables.followers.followers(desk.bot, "BTCUSDT", [desk.subscription.id, other.id], NOW)

    own, other = sorted(await store.write(work), key=lambda one: one.subscription.id != desk.subscription.id)

    assert own.exposure.symbol_taken_by is None
    assert other.exposure.symbol_taken_by == desk.subscription.id
    assert other.exposure.slots_used == 0
