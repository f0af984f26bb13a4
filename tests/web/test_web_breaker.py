"""The breaker over HTTP: a follower reaches their own accounts, an admin everybody's."""

import pytest
import pytest_asyncio

from web_support import ACCOUNTS, EXECUTIONS, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

BREAKER = "/api/v1/breaker"


@pytest_asyncio.fixture(loop_scope="module")
async def admin(desk):
    return await desk.person("admin")


@pytest_asyncio.fixture(loop_scope="module")
async def provider(desk):
    return await desk.person("provider")


async def followed(desk, provider, **wish):
    """(follower, account, bot, secret) with a subscription between them."""
    follower = await desk.person()
    bot, secret = await desk.bot(provider, default_leverage=10, **wish)
    account = await desk.paper_account(follower)
    await desk.subscription(follower, bot, account)
    return follower, account, bot, secret


async def test_a_follower_flattens_their_own_account_and_lets_go_again(desk, provider):
    follower, account, bot, secret = await followed(desk, provider)
    await desk.alert(bot, secret, wait=2)

    pulled = await follower.post(BREAKER, json={"scope": "account", "id": account["id"], "mode": "flatten"})
    during = (await desk.alert(bot, secret, wait=2, action="open_long")).json()
    listed = await follower.items(BREAKER)
    released = await follower.post(BREAKER, json={"scope": "account", "id": account["id"], "mode": "release"})
    after = (await desk.alert(bot, secret, wait=2, action="open_long")).json()

    assert (pulled.status_code, pulled.json()["closing"]) == (200, 1)
    assert during["broadcast_stats"]["skipped"] == 1
    assert [(one["scope"], one["id"], one["mode"]) for one in listed] == [("account", account["id"], "flatten")]
    assert released.json()["mode"] == "release"
    assert after["broadcast_stats"]["successful_executions"] == 1
    (skipped,) = await follower.items(EXECUTIONS, status="skipped")
    assert skipped["reason"] == f"The breaker is pulled for account {account['id']}"


async def test_all_of_a_follower_means_their_own_accounts_and_nobody_else_s(desk, provider):
    follower, _, _, _ = await followed(desk, provider)
    _, _, other_bot, other_secret = await followed(desk, provider)

    pulled = await follower.post(BREAKER, json={"scope": "all", "mode": "stop_opens"})
    other = (await desk.alert(other_bot, other_secret, wait=2)).json()

    assert pulled.status_code == 200
    assert other["broadcast_stats"]["successful_executions"] == 1
    scopes = {(one["scope"], one["id"]) for one in await follower.items(BREAKER)}
    assert scopes == {("account", one["id"]) for one in await follower.items(ACCOUNTS)}


async def test_an_admin_stops_everybody_and_it_is_in_the_audit_log(desk, provider, admin):
    _, _, bot, secret = await followed(desk, provider)

    await admin.post(BREAKER, json={"scope": "all", "mode": "stop_opens"})
    stopped = (await desk.alert(bot, secret, wait=2)).json()
    await admin.post(BREAKER, json={"scope": "all", "mode": "release"})

    assert stopped["broadcast_stats"]["skipped"] == 1
    done = [one["details"] for one in await admin.items("/api/v1/audit") if one["action"] == "breaker"]
    assert {"scope": "all", "mode": "stop_opens"} in done


@pytest.mark.parametrize("scope", ["account", "bot", "venue"])
async def test_what_is_not_one_s_own_is_not_found(desk, provider, scope):
    _, account, bot, _ = await followed(desk, provider)
    stranger = await desk.person()
    target = {"account": account["id"], "bot": bot["id"], "venue": "paper"}[scope]

    assert_error(await stranger.post(BREAKER, json={"scope": scope, "id": target, "mode": "flatten"}), 404)


@pytest.mark.parametrize(
    "wish",
    [
        {"scope": "account", "mode": "flatten"},
        {"scope": "all", "id": "x", "mode": "flatten"},
        {"scope": "planet", "id": "x", "mode": "flatten"},
        {"scope": "all", "mode": "explode"},
        {"scope": "all"},
    ],
)
async def test_a_wish_that_does_not_say_whom_or_what_is_refused(admin, wish):
    assert_error(await admin.post(BREAKER, json=wish), 422)


async def test_a_provider_does_not_pull_it_and_nobody_without_a_token(desk, provider):
    wish = {"scope": "all", "mode": "stop_opens"}

    assert_error(await provider.post(BREAKER, json=wish), 403)
    assert_error(await desk.nobody.post(BREAKER, json=wish), 401)
