"""Accounts at any exchange of ccxt: what is needed, what is refused, and a spot bot copied over HTTP."""

import pytest
import pytest_asyncio

from web_support import ACCOUNTS, EXECUTIONS, SUBSCRIPTIONS, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = {"api_key": "a-key-of-mine-0001", "api_secret": "a-secret-of-mine-0001"}


def wanted(venue, **more):
    return {"name": "Coins", "venue": venue, "environment": "simulator", **more}


@pytest_asyncio.fixture(loop_scope="module")
async def follower(desk):
    return await desk.person()


async def test_a_spot_bot_is_copied_with_coins_and_its_report_is_all_green(desk, simulator):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider, market_type="spot", default_margin_usd=500)
    keys = await simulator.key()
    account = (await follower.post(ACCOUNTS, json=wanted("ccxt:binance", **keys))).json()
    await desk.subscription(follower, bot, account, custom_leverage=9)

    report = (await follower.post(f"{ACCOUNTS}/{account['id']}/check")).json()
    answer = (await desk.alert(bot, secret, wait=2.5, ticker="BINANCE:BTCUSDT")).json()
    (opened,) = await follower.items(EXECUTIONS)

    assert account["key_check"] == "accepted"
    assert report["ok"], report
    assert answer["broadcast_stats"]["successful_executions"] == 1
    assert opened["plan"]["inputs"]["leverage"] == "1"
    assert [one["symbol"] for one in await simulator.orders(keys["api_key"])] == ["BTCUSDT"]


@pytest.mark.parametrize(
    ("venue", "word"),
    [
        ("ccxt:mtgox", "no exchange that ccxt knows"),
        ("ccxt:binanceusdm", "use binance-futures"),
        ("ccxt:hyperliquid", "only keys that cannot withdraw"),
        ("ccxt:prototype", "no exchange that ccxt knows"),
    ],
)
async def test_an_exchange_that_cannot_be_used_is_refused_by_name(follower, venue, word):
    error = assert_error(await follower.post(ACCOUNTS, json=wanted(venue, **KEYS)), 422)

    assert word in error["message"]
    assert error["details"]["fields"][0]["field"] == "venue"


async def test_an_exchange_with_a_third_secret_asks_for_it(follower):
    error = assert_error(await follower.post(ACCOUNTS, json=wanted("ccxt:okx", **KEYS)), 422)

    assert error["details"]["fields"] == [{"field": "api_passphrase", "problem": "ccxt:okx needs it"}]


async def test_a_secret_that_the_exchange_does_not_have_is_refused(follower):
    wish = wanted("ccxt:binance", **KEYS, api_passphrase="one too many")

    error = assert_error(await follower.post(ACCOUNTS, json=wish), 422)

    assert [one["field"] for one in error["details"]["fields"]] == ["api_passphrase"]


async def test_a_futures_bot_and_coins_do_not_go_together(desk, simulator):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, _ = await desk.bot(provider)
    account = (await follower.post(ACCOUNTS, json=wanted("ccxt:binance", **await simulator.key()))).json()

    answer = await follower.post(SUBSCRIPTIONS, json={"bot_id": bot["id"], "exchange_account_id": account["id"]})

    assert assert_error(answer, 422)["details"]["fields"][0]["field"] == "exchange_account_id"


async def test_real_money_behind_a_key_nobody_can_ask_about_needs_its_owners_word(start_hub):
    async with start_hub(allow_live=True) as desk:
        follower = await desk.person()
        wish = {**wanted("ccxt:kraken", **KEYS), "environment": "live"}

        error = assert_error(await follower.post(ACCOUNTS, json=wish), 422)

        assert error["details"]["fields"][0]["field"] == "key_cannot_withdraw"
