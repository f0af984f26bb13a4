"""What an account holds, waits for and has earned: seen by its owner and an admin, and by nobody else."""

from decimal import Decimal

import pytest
import pytest_asyncio

from copydesk.domain.subscription import Environment
from web_support import ACCOUNTS, EXECUTIONS, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def follower(desk):
    return await desk.person()


@pytest_asyncio.fixture(loop_scope="module")
async def trade(desk, follower, simulator):
    """(follower's account after a win, what fires the bot)."""
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider, default_leverage=5, default_margin_usd=100, default_stop_loss_pct=5)
    account = await desk.paper_account(follower)
    await desk.subscription(follower, bot, account)

    async def fire(action, price):
        await simulator.tell("price", symbol="BTCUSDT", price=price, hold=True)
        await eventually(lambda: is_quoted(desk, price))
        answer = await desk.alert(bot, secret, action=action, wait=2.5)
        assert answer.json()["broadcast_stats"]["successful_executions"] == 1, answer.text

    await fire("buy", "95200")
    yield account, fire
    await simulator.tell("price", symbol="BTCUSDT", price="95200", hold=True)


async def test_a_book_shows_what_is_held_and_the_stop_that_waits(desk, follower, trade):
    account, _ = trade
    await eventually(lambda: waiting(follower, account))

    book = (await follower.get(f"{ACCOUNTS}/{account['id']}/book", params={"at_venue": True})).json()

    [held] = book["positions"]
    assert (held["symbol"], held["direction"], held["quantity"]) == ("BTCUSDT", "long", "0.005")
    assert held["last_price"] is not None
    assert held["unrealised_usd"] is not None
    [stop] = book["orders"]
    assert (stop["leg"], stop["state"]) == ("stop_loss", "WORKING")
    assert book["balance"]["total_usd"] is not None
    assert book["problem"] is None
    assert book["terminal"] is None


async def test_the_venue_is_asked_only_where_that_is_wished(follower, trade):
    account, _ = trade

    book = (await follower.get(f"{ACCOUNTS}/{account['id']}/book")).json()

    assert book["balance"] is None
    assert book["positions"][0]["last_price"] is None


async def test_results_add_up_to_the_last_point_of_the_curve(follower, trade):
    account, fire = trade
    await fire("close", "97200")
    await fire("buy", "97200")
    await fire("close", "96200")

    found = (await follower.get(f"{ACCOUNTS}/{account['id']}/results")).json()

    assert (found["total_trades"], found["wins"], found["losses"]) == (2, 1, 1)
    first, second = found["trades"]
    assert float(first["net_usd"]) > 0 > float(second["net_usd"])
    assert second["sum_usd"] == found["net_usd"]
    assert float(found["max_drawdown_usd"]) == pytest.approx(-float(second["net_usd"]))
    assert float(found["gross_usd"]) - float(found["fees_usd"]) == pytest.approx(float(found["net_usd"]))
    newest = (await follower.get(f"{ACCOUNTS}/{account['id']}/results", params={"limit": 1})).json()
    assert newest["trades"] == [second]
    assert newest["total_trades"] == 2


async def test_nobody_else_sees_an_account_s_book_or_results(desk, trade):
    account, _ = trade
    other, admin = await desk.person(), await desk.person("admin")

    for part in ("book", "results"):
        assert_error(await other.get(f"{ACCOUNTS}/{account['id']}/{part}"), 404)
        assert (await admin.get(f"{ACCOUNTS}/{account['id']}/{part}")).status_code == 200


async def test_a_terminal_s_account_shows_what_the_program_beside_it_reported(desk):
    follower = await desk.person()
    body = {"name": "Terminal", "venue": "mt5", "environment": "demo", "login": 5012345, "server": "Broker-Demo"}
    account = (await follower.post(ACCOUNTS, json=body)).json()
    before = (await follower.get(f"{ACCOUNTS}/{account['id']}/book")).json()

    report = {"server": "Broker-Demo", "login": 5012345, "connected": True, "balance": "500", "role": "copier"}
    await follower.post("/mt5/status", json=report)
    await follower.post("/mt5/status", json=report | {"login": 7, "balance": "1"})

    after = (await follower.get(f"{ACCOUNTS}/{account['id']}/book", params={"at_venue": True})).json()
    assert before["terminal"] is None
    assert after["terminal"]["balance"] == "500"
    assert after["terminal"]["connected"] is True


async def waiting(follower, account):
    return await follower.items(EXECUTIONS, account_id=account["id"], state="WORKING")


async def is_quoted(desk, price):
    """A quote may be a second old."""
    quote = await desk.hub.venues["paper"].quote(Environment.SIMULATOR, "BTCUSDT")
    return abs(quote.last_price - Decimal(price)) < 1
