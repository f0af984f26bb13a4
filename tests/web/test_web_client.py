"""The typed client against the real API: a method a route, one kind of error for each kind of no, patience only on 429."""

import contextlib
from decimal import Decimal

import httpx
import pytest
from pydantic import ValidationError

from copydesk.client.api import ApiClient
from copydesk.client.breaker import BreakerWish
from copydesk.client.connection import PATIENCE_S
from copydesk.client.errors import (
    Contradiction,
    Missing,
    NotAllowed,
    NotUnderstood,
    SignInNeeded,
    Throttled,
    Unavailable,
)
from copydesk.client.models import (
    AccountChange,
    BotChange,
    NewAccount,
    NewBot,
    NewSubscription,
    RotateSecret,
    SubscriptionChange,
)
from copydesk.client.people import NewUser, TradeCopyChange, UserChange, UserConfigChange
from web_support import PASSWORD, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@contextlib.asynccontextmanager
async def client_of(desk, person=None):
    transport = httpx.ASGITransport(desk.app, raise_app_exceptions=False)
    async with ApiClient("https://desk.example", transport=transport) as api:
        if person is not None:
            await api.sign_in(person.user.username, PASSWORD)
        yield api


async def test_a_bot_lives_its_whole_life_through_the_client(desk):
    async with client_of(desk, await desk.person("provider")) as api:
        made = await api.create_bot(NewBot(name="EMA", default_leverage=5))
        changed = await api.change_bot(made.id, BotChange(default_margin_usd=Decimal("12.5")))
        rotated = await api.rotate_secret(made.id, RotateSecret(overlap_s=0))
        await api.archive_bot(made.id)

        assert made.master_secret
        assert made.master_secret != rotated.master_secret
        assert (changed.default_margin_usd, changed.default_leverage) == (Decimal("12.5"), 5)
        assert (await api.bot(made.id)).status == "archived"
        assert [one.id for one in await api.bots(status="archived", most=5)] == [made.id]


async def test_a_follower_follows_reads_and_leaves_through_the_client(desk):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider)
    async with client_of(desk, follower) as api:
        account = await api.create_account(NewAccount(name="Paper", venue="paper", environment="simulator"))
        made = await api.subscribe(
            NewSubscription(bot_id=bot["id"], exchange_account_id=account.id, custom_margin_usd="70", custom_leverage=3)
        )
        report = await api.check_account(account.id)
        answer = await api.alert(bot["webhook_url"], {"secret": secret, "ticker": "BTCUSDT", "action": "buy"}, wait_s=2)
        [execution] = await api.executions(leg="open")
        [signal] = await api.signals(bot_id=bot["id"])

        assert report.ok
        assert answer.broadcast_stats.successful_executions == 1
        assert (await api.execution(execution.id)).state == execution.state == "FILLED"
        assert (await api.signal(signal.id)) == signal
        assert signal.id == execution.signal_id == answer.signal_id
        changed = await api.change_subscription(
            made.id, SubscriptionChange(custom_margin_usd=None, status="close_only")
        )
        assert (changed.custom_margin_usd, changed.custom_leverage, changed.status) == (None, 3, "close_only")
        assert (await api.subscription(made.id)).total_orders_executed == 1
        await api.alert(bot["webhook_url"], {"secret": secret, "ticker": "BTCUSDT", "action": "close"}, wait_s=2)
        assert (await api.change_account(account.id, AccountChange(name="Old"))).name == "Old"
        await api.unsubscribe(made.id)
        await api.delete_account(account.id)
        assert await api.subscriptions() == await api.accounts() == []
        with pytest.raises(Missing):
            await api.account(account.id)


async def test_an_admin_makes_people_and_reads_the_audit_through_the_client(desk):
    admin = await desk.person("admin")
    async with client_of(desk, admin) as api:
        made = await api.create_user(NewUser(username="Emmy", password=PASSWORD, role="provider", allowed_mt5_id=7))
        changed = await api.change_user(made.id, UserChange(allowed_mt5_id=None))

        assert (changed.allowed_mt5_id, changed.username) == (None, "emmy")
        assert await api.user(made.id) == changed
        assert [one.id for one in await api.users(username="EMMY")] == [made.id]
        assert [one.action for one in await api.audit(actor=admin.user.id, subject=made.id)] == [
            "user.change",
            "user.create",
        ]


async def test_the_breaker_and_the_metrics_are_within_reach(desk):
    async with client_of(desk, await desk.person("admin")) as api, client_of(desk, await desk.person()) as mine:
        account = await mine.create_account(NewAccount(name="Paper", venue="paper", environment="simulator"))
        wish = {"scope": "account", "id": account.id}

        pulled = await mine.pull_breaker(BreakerWish(**wish, mode="stop_opens"))

        assert [one.id for one in await mine.breakers()] == [pulled.id] == [account.id]
        await mine.pull_breaker(BreakerWish(**wish, mode="release"))
        assert await mine.breakers() == []
        assert "copydesk_http_requests_total" in await api.metrics()


async def test_one_s_own_profile_configuration_and_the_desk_s_health_are_there(desk):
    person = await desk.person()
    async with client_of(desk, person) as api:
        wanted = UserConfigChange(trade_copy=TradeCopyChange(mode="multiplier", max_exposure_lots=None))
        changed = await api.change_config(wanted)

        assert (changed.trade_copy.mode, changed.trade_copy.max_exposure_lots) == ("multiplier", None)
        assert await api.config() == changed
        assert (await api.profile()).id == person.user.id
        await eventually(lambda: is_ready(api))
        assert (await api.health()).healthy
        assert (await api.alive()).status == "ok"
        await api.sign_out()
        with pytest.raises(SignInNeeded):
            await api.profile()


async def is_ready(api):
    with contextlib.suppress(Unavailable):
        return (await api.ready()).status == "ready"


async def test_each_kind_of_no_is_an_error_of_its_own(desk):
    async with client_of(desk, await desk.person("provider")) as api, client_of(desk) as nobody:
        bot = await api.create_bot(NewBot(name="One", master_webhook_path="the-only-path"))

        with pytest.raises(SignInNeeded):
            await nobody.bots()
        with pytest.raises(NotAllowed):
            await api.accounts()
        with pytest.raises(Missing) as missing:
            await api.bot("no-such-bot")
        with pytest.raises(Contradiction):
            await api.create_bot(NewBot(name="Two", master_webhook_path="the-only-path"))
        with pytest.raises(NotUnderstood) as misunderstood:
            await api.rotate_secret(bot.id, RotateSecret(master_secret="please-change-me-soon"))
        with pytest.raises(NotUnderstood) as unknown:
            await api.bots(no_such_filter="x")

        assert (missing.value.status, missing.value.code) == (404, "not_found")
        assert list(misunderstood.value.fields) == ["master_secret"]
        assert list(unknown.value.fields) == ["no_such_filter"]


def answering(*answers):
    """A client whose API gives these answers one after the other, and how often it was asked."""
    left, asked = list(answers), []

    def answer(request):
        asked.append(request)
        return left.pop(0)

    return ApiClient("http://hub", transport=httpx.MockTransport(answer)), asked


async def test_patience_is_only_had_when_the_api_asks_for_it():
    alive = httpx.Response(200, json={"status": "ok"})
    api, asked = answering(httpx.Response(429, headers={"Retry-After": "0"}), alive)
    broken, asked_broken = answering(httpx.Response(502, text="<html>"), alive)

    async with api, broken:
        assert (await api.alive()).status == "ok"
        with pytest.raises(Unavailable) as error:
            await broken.alive()

    assert len(asked) == 2
    assert len(asked_broken) == 1
    assert (error.value.status, error.value.code) == (502, "http_error")


async def test_a_wait_of_minutes_is_left_to_people():
    api, asked = answering(httpx.Response(429, headers={"Retry-After": str(int(PATIENCE_S) + 1)}))

    async with api:
        with pytest.raises(Throttled):
            await api.sign_in("ada", "wrong")

    assert len(asked) == 1


async def test_a_sick_desk_says_what_it_lacks():
    api, _ = answering(
        httpx.Response(503, json={"success": False, "healthy": False, "error": "the database does not answer"})
    )

    async with api:
        with pytest.raises(Unavailable, match="the database does not answer"):
            await api.health()


async def test_an_expired_token_is_renewed_under_way(start_hub):
    async with start_hub() as desk, client_of(desk, await desk.person()) as api:
        desk.hub.clock.forward(minutes=16)

        assert await api.accounts() == []


async def test_a_list_is_read_page_by_page_to_its_end(desk, monkeypatch):
    monkeypatch.setattr("copydesk.client.connection.PAGE", 2)
    async with client_of(desk, await desk.person("provider")) as api:
        made = [await api.create_bot(NewBot(name=f"Bot {number}", on_opposite="reverse")) for number in range(5)]

        everything = [one.id for one in await api.bots(on_opposite="reverse")]
        newest = [one.id for one in await api.bots(on_opposite="reverse", most=3)]

        assert everything == [one.id for one in reversed(made)]
        assert newest == everything[:3]


@pytest.mark.parametrize("wish", [{"scope": "all", "id": "x"}, {"scope": "account"}])
async def test_a_breaker_s_wish_names_whom_it_means_or_everybody(wish):
    with pytest.raises(ValidationError) as error:
        BreakerWish(**wish, mode="stop_opens")

    assert [one["loc"] for one in error.value.errors()] == [("id",)]
