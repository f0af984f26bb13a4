"""Accounts at Deriv over HTTP: what a token may do, what kind of account it opens, and an alert that buys a contract."""

from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from copydesk.ports.clock import SystemClock
from deriv_support import SCOPES, SYMBOL, running_deriv
from web_support import ACCOUNTS, EXECUTIONS, assert_error, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def deriv():
    async with running_deriv() as running:
        yield running


@asynccontextmanager
async def running_with(simulator, folder, **settings):
    async with running_hub(folder, deriv_url=simulator.url, clock=SystemClock(), **settings) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(deriv, tmp_path_factory):
    async with running_with(deriv, tmp_path_factory.mktemp("desk")) as running:
        yield running


def wanted(token, **more):
    return {"name": "Options", "venue": "deriv", "environment": "simulator", "token": token, **more}


@pytest.mark.parametrize("is_new", [False, True])
async def test_a_token_that_reads_and_trades_is_taken_hidden_and_reported_on(desk, deriv, is_new):
    follower = await desk.person()
    token, login = await deriv.open_account()

    account = (await follower.post(ACCOUNTS, json=wanted(token, **({"login": login} if is_new else {})))).json()
    report = (await follower.post(f"{ACCOUNTS}/{account['id']}/check")).json()

    # The new API does not tell what a token may do.
    assert account["key_check"] == ("unchecked" if is_new else "accepted")
    assert account["key_hint"] == f"…{token[-4:]}"
    assert (report["ok"], {one["name"] for one in report["findings"]}) == (
        True,
        {"clock", "key", "balance", "positions"},
    )
    assert token not in "".join(desk.answers)


@pytest.mark.parametrize("scope", ["payments", "admin"])
async def test_a_token_that_can_move_money_out_is_refused_and_not_stored(desk, deriv, scope):
    follower = await desk.person()
    token, _ = await deriv.open_account(scopes=[*SCOPES, scope])

    answer = await follower.post(ACCOUNTS, json=wanted(token))

    assert_error(answer, 422, "key_too_powerful")
    assert scope in answer.text
    assert (await follower.get(ACCOUNTS)).json()["items"] == []


async def test_a_token_that_may_not_trade_is_stored_as_refused(desk, deriv):
    token, _ = await deriv.open_account(scopes=["read"])

    account = (await (await desk.person()).post(ACCOUNTS, json=wanted(token))).json()

    assert (account["key_check"], "trade" in account["key_problem"]) == ("refused", True)


async def test_an_account_in_another_currency_is_refused_with_the_reason(desk, deriv):
    token, _ = await deriv.open_account(currency="EUR")

    account = (await (await desk.person()).post(ACCOUNTS, json=wanted(token))).json()

    assert (account["key_check"], "EUR" in account["key_problem"]) == ("refused", True)


@pytest.mark.parametrize(("environment", "is_virtual"), [("demo", False), ("live", True)])
@pytest.mark.parametrize("is_new", [False, True])
async def test_an_account_of_another_kind_than_its_owner_says_is_refused(
    deriv, tmp_path, monkeypatch, environment, is_virtual, is_new
):
    host = deriv.url.replace("http", "ws")
    monkeypatch.setattr("copydesk.venues.deriv.doors.LEGACY_HOST", host)
    monkeypatch.setattr("copydesk.venues.deriv.doors.OPTIONS_HOST", host)
    token, login = await deriv.open_account(is_virtual=is_virtual)
    credentials = {"login": login} if is_new else {}
    async with running_with(deriv, tmp_path, allow_live=True, deriv={"options_app_id": "desk"}) as desk:
        wish = wanted(token, **credentials) | {"environment": environment, "key_cannot_withdraw": True}

        account = (await (await desk.person()).post(ACCOUNTS, json=wish)).json()

    assert account["key_check"] == "refused"
    assert ("real money" if environment == "demo" else "environment demo") in account["key_problem"]


async def test_real_money_is_refused_while_the_desk_does_not_allow_it(desk, deriv):
    token, _ = await deriv.open_account(is_virtual=False)

    answer = await (await desk.person()).post(ACCOUNTS, json=wanted(token) | {"environment": "live"})

    assert_error(answer, 422, "invalid_input")
    assert "environment" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"venue": "deriv"}, "token"),
        ({"venue": "deriv", "token": "t" * 20, "api_key": "k" * 20}, "api_key"),
        ({"venue": "deriv", "token": "t" * 20, "login": 1234}, "login"),
        ({"venue": "mt5", "login": "VRTC1234", "server": "Broker-Demo"}, "login"),
    ],
)
async def test_what_a_venue_needs_and_takes_is_told_by_field(desk, wish, field):
    answer = await (await desk.person()).post(ACCOUNTS, json={"name": "A", "environment": "simulator", **wish})

    assert_error(answer, 422, "invalid_input")
    assert f"{field}: " in answer.json()["error"]["message"]


async def test_one_token_is_one_account_whoever_brings_it(desk, deriv):
    token, _ = await deriv.open_account()
    first, second = [await (await desk.person()).post(ACCOUNTS, json=wanted(token)) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 409)


async def test_an_alert_to_a_bot_of_options_buys_a_contract_of_its_duration(desk, deriv):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider, market_type="options", default_margin_usd=3, contract_duration_s=45)
    token, _ = await deriv.open_account()
    account = (await follower.post(ACCOUNTS, json=wanted(token))).json()
    await desk.subscription(follower, bot, account)

    answer = (await desk.alert(bot, secret, wait=2.5, ticker=SYMBOL, action="sell")).json()

    (contract,) = await deriv.contracts(token)
    (execution,) = (await follower.get(EXECUTIONS)).json()["items"]
    assert answer["broadcast_stats"]["successful_executions"] == 1
    assert (contract["type"], contract["buy_price"]) == ("PUT", "3.00")
    assert execution["plan"]["inputs"]["duration_s"] == "45"
    assert execution["plan"]["numbers"]["ignored_leverage"] == "5"
    assert execution["exchange_order_id"] == str(contract["contract_id"])


async def test_an_alert_for_a_symbol_that_deriv_does_not_trade_is_refused(desk):
    bot, secret = await desk.bot(await desk.person("provider"), market_type="options")

    assert_error(await desk.alert(bot, secret, ticker="EURUSD", action="buy"), 422, "unknown_symbol")
    assert (await desk.alert(bot, secret, ticker="R_100", action="buy")).status_code == 200
