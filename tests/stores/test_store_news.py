"""What those who watch are told of, on both databases: what moved, what arrived, who follows."""

from datetime import timedelta

from msgspec.structs import replace

from copydesk.domain.bot import BotStatus
from copydesk.domain.execution import State
from copydesk.domain.signal import SourceKind
from copydesk.domain.terminal import Terminal, TerminalRole
from copydesk.stores.news import Arrived, Moved
from store_support import NOW, fresh_id, make_bot


async def test_moves_and_signals_after_a_moment_come_in_order_with_whom_they_concern(store, desk):
    before, signal_id, _ = await store.read(lambda tables: tables.notices.latest())
    signal, own = desk.signal(), desk.signal(source=SourceKind.DESK)
    sending = desk.execution(signal, state=State.SENDING)
    filled = replace(sending, state=State.FILLED, executed_quantity=sending.requested_quantity)

    def work(tables):
        tables.signals.add(signal)
        tables.signals.add(own)
        tables.executions.add([sending])
        return tables.executions.move(sending, filled, at=NOW)

    now = await store.write(work)
    moves = await store.read(lambda tables: tables.news.moves_after(before, 10))
    arrived = await store.read(lambda tables: tables.news.signals_after(signal_id, 10))

    whom = Moved(sending.id, desk.follower.id, desk.provider.id)
    assert [moved for _, moved in moves] == [whom, whom]
    assert [found for _, found in arrived] == [Arrived(signal, desk.provider.id)]
    assert await store.read(lambda tables: tables.news.moves_after(moves[-1][0], 10)) == []
    assert await store.read(lambda tables: tables.news.signals_after(signal.id, 10)) == []
    assert await store.read(lambda tables: tables.news.executions([fresh_id(), sending.id])) == [now]


async def test_terminals_reported_since_are_read_oldest_report_first(store, desk):
    def terminal(login, seconds):
        return Terminal(
            user_id=desk.follower.id,
            role=TerminalRole.COPIER,
            login=login,
            server="Broker-Demo",
            connected=True,
            figures={"balance": "10"},
            reported_at=NOW + timedelta(seconds=seconds),
        )

    made = [terminal(3, 30), terminal(1, 10), terminal(2, 20)]

    def work(tables):
        for one in made:
            tables.terminals.put(one)

    await store.write(work)

    found = await store.read(lambda tables: tables.news.terminals_since(NOW + timedelta(seconds=10)))
    assert found == [made[2], made[0]]


async def test_a_user_s_oldest_strategy_bot_is_one_that_is_not_archived(store, desk):
    owner = desk.provider.id
    bots = [
        make_bot(owner_id=owner, source=source, status=status, master_webhook_path=fresh_id())
        for source, status in (
            (SourceKind.STRATEGY, BotStatus.ARCHIVED),
            (SourceKind.TRADINGVIEW, BotStatus.ACTIVE),
            (SourceKind.STRATEGY, BotStatus.PAUSED),
            (SourceKind.STRATEGY, BotStatus.ACTIVE),
        )
    ]

    def work(tables):
        for one in bots:
            tables.bots.add(one, fresh_id())

    await store.write(work)

    assert await store.read(lambda tables: tables.bots.oldest_strategy(owner)) == bots[2]
    assert await store.read(lambda tables: tables.bots.oldest_strategy(desk.follower.id)) is None


async def test_who_follows_a_bot_is_who_has_a_subscription_that_is_not_ended(store, desk):
    async def follows(user):
        return await store.read(lambda tables: tables.subscriptions.follows(user.id, desk.bot.id))

    assert await follows(desk.follower)
    assert not await follows(desk.provider)
    await store.write(lambda tables: tables.subscriptions.change(desk.subscription.id, {"deleted_at": NOW}, NOW))
    assert not await follows(desk.follower)
