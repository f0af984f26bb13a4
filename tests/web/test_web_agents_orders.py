"""A master's orders that wait, at the hub: what agents are told of them, what they answer, and what everybody else sees."""

import pytest
import pytest_asyncio

from agent_support import agent, make_pair, served
from web_support import ACCOUNTS, SIGNALS, SUBSCRIPTIONS, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def base(desk):
    async with served(desk) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def pair(desk):
    return await make_pair(desk)


LIMIT = {"symbol": "EURUSD", "type": "BUY_LIMIT", "volume": 0.1, "price": 1.05, "sl": 1.04, "tp": 1.2}


async def test_an_order_lives_at_the_terminal_from_its_placing_to_its_fill_and_close(pair, base):
    async with agent(base, pair.follower.token) as program:
        await program.until("SNAPSHOT")
        signal = await pair.send(master_ticket=5, expiration="2030-01-01T00:00:00Z", **LIMIT)
        opened = await program.until("OPEN")
        data = opened["data"]
        assert (data["type"], data["price"], data["sl"], data["expiration"]) == (
            "BUY_LIMIT",
            "1.05",
            "1.04",
            "2030-01-01T00:00:00+00:00",
        )
        await program.done(opened, "placed", volume="0", reason="waits", plan={"lots": "0.02"})
        (waiting,) = await pair.executions(signal, "WORKING")
        await eventually(lambda: _says(pair, signal, "waits"))

        await pair.send(master_ticket=5, event="MODIFY", type="BUY_LIMIT", price=1.06, sl=1.04, tp=1.2)
        moved = await program.until("MODIFY")
        assert (moved["data"]["type"], moved["data"]["price"]) == ("BUY_LIMIT", "1.06")
        await program.done(moved)

        await program.done(opened, volume="0.02", price="1.0599", reason="filled")
        (filled,) = await pair.executions(signal, "FILLED")
        assert (filled["id"], filled["executed_quantity"]) == (waiting["id"], "0.02")

        told = await pair.open(5, sl=1.04, tp=1.2)
        (skipped,) = await pair.executions(told, "SKIPPED")
        assert "fills by itself" in skipped["reason"]

        signal = await pair.close(5)
        closing = await program.until("CLOSE")
        await program.done(closing, volume="0.02", profit="1")
        (closed,) = await pair.executions(signal, "FILLED")
        assert (closed["leg"], closed["executed_quantity"]) == ("close", "0.02")


async def _says(pair, signal, reason):
    (one,) = await pair.executions(signal)
    return one["reason"] == reason and one["plan"]["at_venue"] == {"lots": "0.02"}


async def test_an_order_that_the_master_takes_back_is_cancelled_at_the_terminal(pair, base):
    async with agent(base, pair.follower.token) as program:
        await program.until("SNAPSHOT")
        signal = await pair.send(master_ticket=5, **LIMIT)
        opened = await program.until("OPEN")
        await program.done(opened, "placed", volume="0")

        taken_back = await pair.send(master_ticket=5, event="CANCEL", reason="expired")
        cancel = await program.until("CANCEL")
        assert (cancel["data"]["master_ticket"], cancel["data"]["type"], "command_id" in cancel["data"]) == (
            5,
            "BUY",
            False,
        )
        await program.done(opened, "refused", volume="0", reason="taken back: the master took it back")
        await program.done(cancel, volume="0")

        assert [one["state"] for one in await pair.executions(signal, "CANCELLED")] == ["CANCELLED"]
        assert [one["leg"] for one in await pair.executions(taken_back, "FILLED")] == ["close"]


async def test_what_filled_before_it_was_taken_back_is_closed_and_booked(pair, base):
    async with agent(base, pair.follower.token) as program:
        await program.until("SNAPSHOT")
        signal = await pair.send(master_ticket=5, **LIMIT)
        opened = await program.until("OPEN")
        await program.done(opened, "placed", volume="0")
        taken_back = await pair.send(master_ticket=5, event="CANCEL")
        cancel = await program.until("CANCEL")
        await program.done(opened, volume="0.02", price="1.05")
        await program.done(cancel, volume="0.02", price="1.049", profit="-2")

        await pair.executions(signal, "FILLED")
        (closed,) = await pair.executions(taken_back, "FILLED")
        assert closed["executed_quantity"] == "0.02"


async def test_the_snapshot_tells_what_waits_and_what_a_lot_is(pair, base):
    contract = {"size": "100000", "digits": 5, "currency_base": "EUR", "currency_profit": "USD"}
    await pair.send(master_ticket=5, contract=contract, **LIMIT)
    await pair.open(6, contract=contract)
    async with agent(base, pair.follower.token) as program:
        data = (await program.until("SNAPSHOT"))["data"]

    assert [(one["master_ticket"], one["type"], one["price"]) for one in data["orders"]] == [(5, "BUY_LIMIT", "1.05")]
    assert [one["master_ticket"] for one in data["positions"]] == [6]
    assert {one["contract"]["size"] for one in (*data["orders"], *data["positions"])} == {"100000"}


async def test_the_breaker_takes_back_an_order_that_waits(pair, base):
    async with agent(base, pair.follower.token) as program:
        await program.until("SNAPSHOT")
        signal = await pair.send(master_ticket=5, **LIMIT)
        opened = await program.until("OPEN")
        await program.done(opened, "placed", volume="0")
        await pair.executions(signal, "WORKING")
        wish = {"scope": "account", "id": pair.account["id"], "mode": "cancel_working"}
        assert (await pair.follower.post("/api/v1/breaker", json=wish)).status_code == 200
        cancel = await program.until("CANCEL", within_s=10)

        assert cancel["data"]["command_id"] == opened["id"]
        await program.done(opened, "refused", volume="0", reason="taken back: the desk took it back")
        await pair.executions(signal, "CANCELLED")


UNWANTED = ("paused", "close_only", "gone", "switched off")


@pytest.mark.parametrize("why", UNWANTED)
async def test_an_order_that_waits_is_taken_back_where_nothing_is_to_be_opened_any_more(pair, base, why):
    async with agent(base, pair.follower.token) as program:
        await program.until("SNAPSHOT")
        signal = await pair.send(master_ticket=5, **LIMIT)
        opened = await program.until("OPEN")
        await program.done(opened, "placed", volume="0")
        await pair.executions(signal, "WORKING")
        follows = f"{SUBSCRIPTIONS}/{pair.subscription['id']}"
        if why == "gone":
            answer = await pair.follower.delete(follows)
        elif why == "switched off":
            answer = await pair.follower.patch(f"{ACCOUNTS}/{pair.account['id']}", json={"is_active": False})
        else:
            answer = await pair.follower.patch(follows, json={"status": why})
        assert answer.status_code < 300, answer.text

        cancel = await program.until("CANCEL", within_s=10)
        assert cancel["data"]["command_id"] == opened["id"]


async def test_followers_elsewhere_open_once_the_masters_order_is_filled(desk):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, _ = await desk.bot(provider, source="rest")
    pair = await make_pair(desk)
    pair.provider, pair.bot, pair.follower = provider, bot, follower
    await desk.subscription(follower, bot, await desk.paper_account(follower))
    order = {"symbol": "BTCUSDT", "type": "BUY_LIMIT", "volume": 1, "price": 90_000}
    placed = await pair.send(master_ticket=1, **order)

    (skipped,) = await pair.executions(placed, "SKIPPED")
    signal = (await provider.get(f"{SIGNALS}/{placed}")).json()
    assert (signal["action"], signal["steps"]) == ("pending", [])
    assert "nothing is opened before it is filled" in skipped["reason"]

    filled = await pair.send(master_ticket=1, **order | {"type": "BUY"})
    (opened,) = await pair.executions(filled)
    assert opened["leg"] == "open"
