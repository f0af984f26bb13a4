"""Users, bots, accounts and subscriptions: what people make, change and take away."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from copydesk.domain.bot import BotStatus, MarketType, OnOpposite
from copydesk.domain.errors import Conflict
from copydesk.domain.execution import State
from copydesk.domain.signal import SourceKind
from copydesk.domain.subscription import (
    CopyOptions,
    Environment,
    KeyCheck,
    MarginMode,
    OnUnprotected,
    SubscriptionStatus,
)
from copydesk.domain.user import Role, UserStatus
from copydesk.domain.venue import PAPER
from store_support import NOW, make_account, make_bot, make_subscription, make_user, new_follower

LATER = NOW + timedelta(hours=1)


async def test_a_user_comes_back_with_every_field(store):
    user = make_user(
        role=Role.ADMIN, status=UserStatus.DISABLED, allowed_mt5_id=2**62, mt5_path="C:\\mt5", subscription="pro"
    )

    await store.write(lambda tables: tables.users.add(user, "argon2"))

    assert await store.read(lambda tables: tables.users.get(user.id)) == user
    assert await store.read(lambda tables: tables.users.by_name(user.username.upper())) == (user, "argon2")
    assert await store.read(lambda tables: tables.users.has_admin()) is False, "nobody who can sign in"
    assert await store.read(lambda tables: tables.users.get("nobody")) is None
    assert await store.read(lambda tables: tables.users.by_name("nobody")) is None


async def test_a_username_is_taken_in_whatever_case(store):
    await store.write(lambda tables: tables.users.add(make_user(username="anna"), "hash"))

    with pytest.raises(Conflict, match="Anna"):
        await store.write(lambda tables: tables.users.add(make_user(username="Anna"), "hash"))

    assert await store.read(lambda tables: tables.users.count({})) == 1


async def test_changing_a_user_changes_only_what_was_named(store):
    user = make_user()
    await store.write(lambda tables: tables.users.add(user, "hash"))

    changed = await store.write(lambda tables: tables.users.change(user.id, {"role": Role.PROVIDER}, LATER))
    await store.write(lambda tables: tables.users.change(user.id, {"config": {"volume": "0.1"}}, LATER))

    assert changed == replace(user, role=Role.PROVIDER, updated_at=LATER)
    assert await store.read(lambda tables: tables.users.config(user.id)) == {"volume": "0.1"}


async def test_lists_page_newest_first_without_gap_or_repeat(store):
    users = [make_user() for _ in range(5)]

    def add(tables):
        for user in users:
            tables.users.add(user, "hash")

    await store.write(add)
    seen, cursor = [], None
    for _ in range(3):
        page, cursor = await store.read(lambda tables, at=cursor: tables.users.list({}, limit=2, cursor=at))
        seen += page

    assert seen == users[::-1]
    assert cursor is None


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(store):
    user = make_user()

    def begin(tables):
        tables.users.add(user, "hash")
        for name in ("first", "second"):
            tables.users.add_token(name, user.id, "family", LATER)
        tables.users.add_token("other", user.id, "another family", LATER)

    await store.write(begin)

    assert await store.write(lambda tables: tables.users.use_token("first", NOW)) == (user.id, "family")
    assert await store.write(lambda tables: tables.users.use_token("first", NOW)) is None
    assert await store.write(lambda tables: tables.users.use_token("second", NOW)) is None
    assert await store.write(lambda tables: tables.users.use_token("other", NOW)) == (user.id, "another family")


async def test_an_expired_or_unknown_refresh_token_does_not_work(store):
    user = make_user()

    def begin(tables):
        tables.users.add(user, "hash")
        tables.users.add_token("short", user.id, "family", LATER)

    await store.write(begin)

    assert await store.write(lambda tables: tables.users.use_token("short", LATER)) is None
    assert await store.write(lambda tables: tables.users.use_token("never made", NOW)) is None


async def test_ending_the_sessions_of_a_user_leaves_those_of_others(store):
    anna, ben = make_user(), make_user()

    def begin(tables):
        for user in (anna, ben):
            tables.users.add(user, "hash")
            tables.users.add_token(f"of {user.id}", user.id, user.id, LATER)
        tables.users.end_sessions(anna.id)

    await store.write(begin)

    assert await store.write(lambda tables: tables.users.use_token(f"of {anna.id}", NOW)) is None
    assert await store.write(lambda tables: tables.users.use_token(f"of {ben.id}", NOW)) == (ben.id, ben.id)


async def test_a_bot_comes_back_with_every_field(store, desk):
    bot = make_bot(
        owner_id=desk.provider.id,
        description="says when",
        market_type=MarketType.SPOT,
        source=SourceKind.REST,
        default_leverage=1,
        default_margin_usd=Decimal("0.000000000000000001"),
        default_stop_loss_pct=Decimal(0),
        on_opposite=OnOpposite.REVERSE,
        open_freshness_s=300,
        signature_v0=True,
        status=BotStatus.PAUSED,
    )

    await store.write(lambda tables: tables.bots.add(bot, "print"))

    assert await store.read(lambda tables: tables.bots.get(bot.id)) == bot
    assert await store.read(lambda tables: tables.bots.at_path(bot.master_webhook_path, NOW)) == (bot, ["print"])
    for path in ("no such path", "a\0b", ""):
        assert await store.read(partial(lambda path, tables: tables.bots.at_path(path, NOW), path)) is None


async def test_a_webhook_path_belongs_to_one_bot(store, desk):
    other = make_bot(owner_id=desk.provider.id)
    await store.write(lambda tables: tables.bots.add(other, "print"))
    taken = {"master_webhook_path": desk.bot.master_webhook_path}

    with pytest.raises(Conflict):
        await store.write(lambda tables: tables.bots.change(other.id, taken, LATER))
    with pytest.raises(Conflict, match=desk.bot.master_webhook_path):
        await store.write(lambda tables: tables.bots.add(make_bot(owner_id=desk.provider.id, **taken), "print"))

    assert await store.read(lambda tables: tables.bots.get(other.id)) == other


async def test_two_secrets_are_valid_while_one_is_rotated(store, desk):
    await store.write(lambda tables: tables.bots.rotate(desk.bot.id, "second", old_until=LATER, at=NOW))

    during = await store.read(lambda tables: tables.bots.fingerprints(desk.bot.id, LATER - timedelta(microseconds=1)))
    after = await store.read(lambda tables: tables.bots.fingerprints(desk.bot.id, LATER))

    assert sorted(during) == sorted([f"fingerprint-{desk.bot.id}", "second"])
    assert after == ["second"]


async def test_a_third_secret_ends_the_first_at_once(store, desk):
    await store.write(lambda tables: tables.bots.rotate(desk.bot.id, "second", old_until=LATER, at=NOW))
    await store.write(lambda tables: tables.bots.rotate(desk.bot.id, "third", old_until=LATER, at=NOW))

    valid = await store.read(lambda tables: tables.bots.fingerprints(desk.bot.id, NOW))

    assert sorted(valid) == ["second", "third"]


async def test_others_see_the_active_bots_and_the_owner_sees_all_of_theirs(store, desk):
    paused = make_bot(owner_id=desk.provider.id, status=BotStatus.PAUSED)
    await store.write(lambda tables: tables.bots.add(paused, "print"))

    async def seen(viewer):
        bots, _ = await store.read(lambda tables: tables.bots.list({}, seen_by=viewer, limit=10, cursor=None))
        assert await store.read(lambda tables: tables.bots.count({}, seen_by=viewer)) == len(bots)
        return {bot.id for bot in bots}

    assert await seen(desk.follower.id) == {desk.bot.id}
    assert await seen(desk.provider.id) == {desk.bot.id, paused.id}
    assert await seen(None) == {desk.bot.id, paused.id}


async def test_health_counts_what_is_active_and_knows_the_last_signal(store, desk):
    for signal in (desk.signal(), desk.signal(received_at=LATER)):
        await store.write(lambda tables, one=signal: tables.signals.add(one))

    health = await store.read(lambda tables: tables.bots.health())

    assert health == {"active_bots": 1, "active_subscriptions": 1, "last_signal_at": LATER}


async def test_an_account_comes_back_and_its_secrets_only_where_orders_are_sent(store, database, desk):
    account = make_account(
        owner_id=desk.follower.id,
        environment=Environment.DEMO,
        is_active=False,
        key_check=KeyCheck.REFUSED,
        key_problem="it may withdraw",
    )
    secrets = {"api_key": "made-up-key", "api_secret": "made-up-secret-ü"}

    await store.write(lambda tables: tables.accounts.add(account, secrets))
    row = await database.read(lambda connection: str(connection.execute(text("SELECT * FROM exchange_accounts")).all()))

    assert await store.read(lambda tables: tables.accounts.get(account.id, None)) == account
    assert await store.read(lambda tables: tables.followers.credentials(account.id)) == secrets
    assert "made-up" not in row


async def test_one_key_is_one_account_until_it_is_deleted(store, desk):
    secrets = {"api_key": "the same", "api_secret": "x"}
    first, second = make_account(owner_id=desk.follower.id), make_account(owner_id=desk.provider.id)
    elsewhere = make_account(owner_id=desk.follower.id, environment=Environment.DEMO)
    await store.write(lambda tables: tables.accounts.add(first, secrets))

    with pytest.raises(Conflict):
        await store.write(lambda tables: tables.accounts.add(second, secrets))
    with pytest.raises(Conflict):
        await store.write(lambda tables: tables.accounts.change(desk.account, {}, secrets, LATER))
    await store.write(lambda tables: tables.accounts.add(elsewhere, secrets))
    await store.write(lambda tables: tables.accounts.delete(first.id, LATER))
    await store.write(lambda tables: tables.accounts.add(second, secrets))

    assert await store.read(lambda tables: tables.followers.credentials(second.id)) == secrets


async def test_accounts_without_a_key_do_not_exclude_each_other(store, desk):
    papers = [make_account(owner_id=desk.follower.id, venue=PAPER) for _ in range(2)]

    for paper in papers:
        await store.write(lambda tables, one=paper: tables.accounts.add(one, {}))

    assert await store.read(lambda tables: tables.accounts.count({"venue": PAPER}, owner_id=None)) == 2


async def test_new_secrets_replace_the_old_ones(store, desk):
    secrets = {"api_key": "new", "api_secret": "newer"}

    await store.write(lambda tables: tables.accounts.change(desk.account, {"name": "other"}, secrets, LATER))

    assert await store.read(lambda tables: tables.followers.credentials(desk.account.id)) == secrets
    changed = await store.read(lambda tables: tables.accounts.get(desk.account.id, desk.follower.id))
    assert changed == replace(desk.account, name="other", updated_at=LATER)


async def test_a_secret_moved_to_another_account_does_not_open(store, database, desk):
    _, other, _ = await store.write(lambda tables: new_follower(tables, desk.bot))
    swap = text(
        "UPDATE exchange_accounts SET sealed_secrets = (SELECT sealed_secrets FROM exchange_accounts WHERE id = :a)"
    )
    await database.write(lambda connection: connection.execute(swap, {"a": desk.account.id}).rowcount)

    kept = await store.read(lambda tables: tables.followers.credentials(desk.account.id))
    opened = await store.read(lambda tables: tables.followers.logins([desk.account.id, other.id, "nobody"]))

    assert opened == [(desk.account, kept)]
    assert kept["api_key"] == f"key-{desk.account.id}"
    with pytest.raises(ValueError, match="does not open"):
        await store.read(lambda tables: tables.followers.credentials(other.id))


async def test_deleting_an_account_erases_its_secrets_and_ends_its_subscriptions(store, desk):
    await store.write(lambda tables: tables.accounts.delete(desk.account.id, LATER))

    assert await store.read(lambda tables: tables.followers.credentials(desk.account.id)) == {}
    assert await store.read(lambda tables: tables.accounts.get(desk.account.id, None)) is None
    assert await store.read(lambda tables: tables.accounts.list({}, owner_id=None, limit=9, cursor=None)) == ([], None)
    assert await store.read(lambda tables: tables.followers.subscribers(desk.bot.id)) == []
    gone = await store.read(lambda tables: tables.followers.account(desk.account.id))
    assert gone == replace(desk.account, is_active=False, updated_at=LATER)


async def test_an_account_is_seen_by_its_owner_only(store, desk):
    for owner, found in ((desk.follower.id, desk.account), (desk.provider.id, None), (None, desk.account)):
        got = await store.read(lambda tables, who=owner: tables.accounts.get(desk.account.id, who))
        count = await store.read(lambda tables, who=owner: tables.accounts.count({}, owner_id=who))

        assert got == found
        assert count == (0 if found is None else 1)


async def test_an_account_is_in_use_while_an_order_is_not_settled(store, desk):
    signal = desk.signal()
    done = desk.execution(signal, leg="close", state=State.FILLED)
    await store.write(lambda tables: (tables.signals.add(signal), tables.executions.add([done])))

    before = await store.read(lambda tables: tables.accounts.is_in_use(desk.account.id))
    working = desk.execution(signal, state=State.WORKING)
    await store.write(lambda tables: tables.executions.add([working]))
    during = await store.read(lambda tables: tables.accounts.is_in_use(desk.account.id))

    assert (before, during) == (False, True)


async def test_a_subscription_comes_back_with_every_field(store, desk):
    full = make_subscription(
        owner_id=desk.follower.id,
        bot_id=desk.bot.id,
        account_id=desk.account.id,
        status=SubscriptionStatus.CLOSE_ONLY,
        custom_leverage=0,
        custom_margin_usd=Decimal(0),
        custom_stop_loss_pct=Decimal("0.000000000000000001"),
        custom_take_profit_pct=Decimal("12.5"),
        max_daily_loss_usd=Decimal("0.01"),
        max_concurrent_positions=0,
        copy=CopyOptions(margin_mode=MarginMode.CROSS, on_unprotected=OnUnprotected.ALERT),
    )

    await store.write(lambda tables: tables.subscriptions.add(full))

    assert await store.read(lambda tables: tables.subscriptions.get(full.id, None)) == full
    assert await store.read(lambda tables: tables.followers.subscription(full.id)) == full
    assert await store.read(lambda tables: tables.subscriptions.get(full.id, desk.provider.id)) is None


async def test_only_listening_subscriptions_must_be_accounted_for(store, desk):
    made = {}
    for status in SubscriptionStatus:
        _, _, subscription = await store.write(lambda tables, how=status: new_follower(tables, desk.bot, status=how))
        made[status] = subscription.id

    found = await store.read(lambda tables: tables.followers.subscribers(desk.bot.id))

    assert found == [desk.subscription.id, made[SubscriptionStatus.ACTIVE], made[SubscriptionStatus.CLOSE_ONLY]]


async def test_a_deleted_subscription_is_gone_from_lists_and_signals(store, desk):
    await store.write(lambda tables: tables.subscriptions.change(desk.subscription.id, {"deleted_at": LATER}, LATER))

    assert await store.read(lambda tables: tables.subscriptions.get(desk.subscription.id, None)) is None
    assert await store.read(lambda tables: tables.subscriptions.count({}, owner_id=None)) == 0
    assert await store.read(lambda tables: tables.followers.subscribers(desk.bot.id)) == []
    found = await store.read(lambda tables: tables.subscriptions.of_account_and_bot(desk.account.id, desk.bot.id))
    assert found is None


async def test_the_record_of_a_subscription_counts_its_executions(store, desk):
    signals = [desk.signal(created_at=NOW), desk.signal(created_at=LATER)]
    executions = [
        desk.execution(signals[0], state=State.FILLED),
        desk.execution(signals[0], leg="stop_loss", state=State.CANCELLED),
        desk.execution(signals[0], leg="close", state=State.EXPIRED),
        desk.execution(signals[1], state=State.REJECTED, created_at=LATER),
        desk.execution(signals[1], leg="close", state=State.SKIPPED),
    ]

    def add(tables):
        for signal in signals:
            tables.signals.add(signal)
        tables.executions.add(executions)
        tables.positions.add_result(desk.subscription.id, Decimal("-12.5"), NOW)
        tables.positions.add_result(desk.subscription.id, Decimal(-99), NOW - timedelta(days=1))

    await store.write(add)
    records = await store.read(lambda tables: tables.subscriptions.records([desk.subscription.id, "other"], LATER))

    record, nothing = records[desk.subscription.id], records["other"]
    assert (record.total_signals_received, record.total_orders_executed, record.total_orders_failed) == (2, 1, 2)
    assert (record.last_signal_at, record.loss_today_usd, record.current_positions) == (LATER, Decimal("12.5"), 0)
    assert (nothing.total_signals_received, nothing.last_signal_at, nothing.loss_today_usd) == (0, None, 0)


async def test_a_gain_today_is_no_loss(store, desk):
    await store.write(lambda tables: tables.positions.add_result(desk.subscription.id, Decimal(5), NOW))

    records = await store.read(lambda tables: tables.subscriptions.records([desk.subscription.id], NOW))

    assert records[desk.subscription.id].loss_today_usd == 0
