"""A master's trades by hand, through hub and copier, to a follower's account; and what each of them does when things break."""

import asyncio
from decimal import Decimal

import pytest
import pytest_asyncio
from copier_support import running_copy_desk
from master_support import PASSWORD, eventually

from copydesk.client.api import signed_in
from copydesk.client.models import BotChange
from copydesk.client.people import UserChange

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("heavy")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_desk(tmp_path_factory):
    """One hub and one master for all; each test has followers of its own."""
    async with running_copy_desk(tmp_path_factory.mktemp("desk")) as desk, desk.hub() as hub:
        await desk.seed(hub)
        async with desk.master() as master:
            await desk.until_watching(master)
            yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def desk(open_desk):
    yield open_desk
    await open_desk.heal()
    for one in (await open_desk.look())["positions"]:
        await open_desk.do("close", one["ticket"])


async def test_a_ticket_is_copied_changed_closed_in_part_and_closed_with_its_plan_and_profit(desk):
    ann = await desk.follower("ann", 2001, fixed_lot="0.04")
    async with ann.copier() as copier:
        await ann.until_connected(copier)
        ticket = await desk.do("buy", "EURUSD", 0.10)
        await ann.opened(1)
        await desk.do("modify", ticket, sl=0.5)
        await eventually(lambda: "modify EURUSD" in ann.log())
        await desk.do("close", ticket, 0.05)
        await eventually(lambda: _lots(ann, "0.02"))
        await desk.do("close", ticket)
        await ann.opened(0)
        await eventually(lambda: _finished(ann, 4))
        done = {one.leg: one for one in await ann.executions()}
    assert copier.process.returncode == 0

    plan = done["open"].plan["at_venue"]
    assert (plan["mode"], plan["fixed_lot"], plan["lots"], plan["symbol"]) == ("fix", "0.04", "0.04", "EURUSD")
    assert done["close"].executed_quantity == Decimal("0.02")
    assert {one.state for one in done.values()} == {"FILLED"}, done
    figures = await _terminal(desk, ann)
    assert figures.balance == Decimal((await desk.ledger(2001))["balances"][0]["balance"])


@pytest.mark.parametrize(("kind", "login"), [("drop_after", 2011), ("unknown_executed", 2012)])
async def test_an_order_whose_answer_is_lost_is_one_position_and_told_once_it_is_found(desk, kind, login):
    bea = await desk.follower(f"bea{login}", login)
    async with bea.copier() as copier:
        await bea.until_connected(copier)
        await desk.fault(kind=kind, account=login, next_n=1)
        await desk.do("buy", "EURUSD", 0.10)
        await eventually(lambda: _finished(bea, 1))
        await asyncio.sleep(1)

        assert len(await bea.held()) == 1
        [opened] = await bea.executions()
        assert (opened.state, opened.executed_quantity) == ("FILLED", Decimal("0.01"))
    assert "it is being looked for" in bea.log()


async def test_a_copier_killed_while_the_broker_executes_finds_its_order_before_it_does_anything(desk):
    lea = await desk.follower("lea", 2091)
    async with lea.copier() as copier:
        await lea.until_connected(copier)
        await desk.fault(kind="delay_after", account=2091, next_n=1, delay_s=3)
        ticket = await desk.do("buy", "EURUSD", 0.10)
        await lea.opened(1)
        copier.process.kill()
        await copier.process.wait()
    assert lea.journal("SELECT stage FROM intents") == [("SENT",)]
    await desk.do("close", ticket)
    async with lea.copier() as copier:
        await eventually(lambda: _finished(lea, 2))
        done = {one.leg: one for one in await lea.executions()}
        orders = (await desk.ledger(2091))["orders"]

    assert {leg: (one.state, one.executed_quantity) for leg, one in done.items()} == {
        "open": ("FILLED", Decimal("0.01")),
        "close": ("FILLED", Decimal("0.01")),
    }
    assert (await lea.held(), len(orders)) == ([], 2)


async def test_another_login_in_the_terminal_gets_nothing_and_the_hub_sees_red(desk):
    cid, dan = await desk.follower("cid", 2021), await desk.follower("dan", 2022)
    async with cid.copier() as copier:
        await cid.until_connected(copier)
        await desk.terminal(path=cid.path, login=2022)
        await eventually(lambda: "logged in to 2022, and the hub allows 2021 only" in cid.log())
        ticket = await desk.do("buy", "EURUSD", 0.10)
        await eventually(lambda: cid.journal("SELECT 1 FROM commands"))
        await eventually(lambda: _is_shown(desk, cid, connected=False), 6)
        await asyncio.sleep(1)
        assert (await desk.ledger(2021))["orders"] == (await desk.ledger(2022))["orders"] == []

        await desk.terminal(path=cid.path, login=2021)
        await cid.opened(1)
        assert [one[3] for one in await cid.held()] == [ticket]
    assert await dan.held() == []


async def test_with_autotrading_off_a_command_waits_until_it_expires_and_says_why(desk):
    eva = await desk.follower("eva", 2031)
    await _freshness(desk, 3)
    async with eva.copier() as copier:
        await eva.until_connected(copier)
        await desk.terminal(path=eva.path, login=2031, trade_allowed=False)
        await eventually(lambda: "nothing is sent: AutoTrading is off" in eva.log())
        await desk.do("buy", "EURUSD", 0.10)
        await eventually(lambda: _finished(eva, 1))
        [opened] = await eva.executions()
        figures = await _terminal(desk, eva)
    await _freshness(desk, 300)

    assert opened.status == "failed"
    assert "AutoTrading is off in the terminal: waited 3 s" in opened.reason
    assert (await desk.ledger(2031))["orders"] == []
    assert not figures.trade_allowed


async def test_limits_refuse_with_numbers_that_reach_the_execution(desk):
    wide = await desk.follower("fay", 2041, max_spread_points=20)
    full = await desk.follower("gus", 2042, fixed_lot="0.04", max_exposure_lots="0.05")
    async with wide.copier() as one, full.copier() as other:
        await wide.until_connected(one)
        await full.until_connected(other)
        await _price(desk, "GBPUSD", "1.27", spread=90)
        await desk.do("buy", "GBPUSD", 0.10)
        await desk.do("buy", "GBPUSD", 0.20)
        await eventually(lambda: _finished(wide, 2))
        await eventually(lambda: _finished(full, 2))
        spread, exposure = await wide.executions(), await full.executions(status="failed")
        await _price(desk, "GBPUSD", "1.27", hold=False)

    assert {one.reason for one in spread} == {"spread: the spread is 90 points, at most 20 is allowed"}
    assert spread[0].plan["at_venue"]["rule"] == "spread"
    [refused] = exposure
    assert refused.reason == "exposure_lots: 0.04 lots and 0.04 more, at most 0.05 are allowed"
    assert (refused.plan["at_venue"]["lots"], len(await full.held())) == ("0.04", 1)


async def test_a_price_that_ran_away_meanwhile_is_not_followed(desk):
    hal = await desk.follower("hal", 2051, max_slippage_points=30)
    async with hal.copier() as copier:
        await hal.until_connected(copier)
    await _price(desk, "EURGBP", "0.85", spread=2)
    await desk.do("buy", "EURGBP", 0.10)
    await eventually(lambda: _planned(hal))
    await _price(desk, "EURGBP", "0.852", spread=2)
    async with hal.copier() as copier:
        await hal.until_connected(copier, times=2)
        await eventually(lambda: _finished(hal, 1))
        [opened] = await hal.executions()
    await _price(desk, "EURGBP", "0.852", hold=False)

    assert opened.reason == "slippage: 0.85202 is 200 points worse than the master's 0.85002, at most 30 are allowed"
    assert (await desk.ledger(2051))["orders"] == []


async def test_a_stop_and_a_hand_at_the_followers_terminal_are_booked_by_the_deals(desk):
    ida = await desk.follower("ida", 2061, fixed_lot="0.10")
    async with ida.copier() as copier:
        await ida.until_connected(copier)
        await _price(desk, "USDJPY", "150", spread=2)
        stopped = await desk.do("buy", "USDJPY", 0.10)
        await ida.opened(1)
        by_hand = await desk.do("buy", "EURUSD", 0.10)
        await ida.opened(2)
        copies = {one[0]: one for one in await asyncio.to_thread(_tickets, ida)}
        await asyncio.to_thread(ida.hand.modify, copies["USDJPY"][1], sl=149.5)
        await _price(desk, "USDJPY", "149.4", spread=2)
        await eventually(lambda: "stop loss" in ida.log())
    await asyncio.to_thread(ida.hand.close, copies["EURUSD"][1])
    async with ida.copier() as copier:
        await eventually(lambda: "closed by hand in the terminal" in ida.log())
        await eventually(lambda: _finished(ida, 4))
        closes = {one.master_ticket: one for one in await ida.executions() if one.leg == "close"}
        subscription = await _subscription(ida)
    await _price(desk, "USDJPY", "150", hold=False)

    assert closes.keys() == {stopped, by_hand}
    assert {one.state for one in closes.values()} == {"FILLED"}
    assert closes[stopped].executed_quantity == Decimal("0.10")
    lost = sum(-Decimal(one["realized"]) for one in (await desk.ledger(2061))["fills"])
    assert abs(subscription.current_daily_loss_usd - lost) < Decimal("0.05")
    assert subscription.current_positions == 0


async def test_a_second_copier_elsewhere_takes_over_and_the_first_one_ends(desk):
    jim = await desk.follower("jim", 2071)
    async with jim.copier() as first:
        await jim.until_connected(first)
        async with jim.copier() as second:
            assert await asyncio.wait_for(second.process.wait(), 20) == 4
        assert f"runs already here (process {first.process.pid})" in jim.log()
        async with jim.copier(COPYDESK_DATA_DIR=str(desk.folder / "elsewhere")) as other:
            assert await asyncio.wait_for(first.process.wait(), 20) == 8
            await asyncio.sleep(0.5)
            assert other.process.returncode is None
    assert "another copier signed in for login 2071" in jim.log()


async def test_a_copier_that_cannot_begin_says_why_and_ends_with_a_code(desk):
    kim = await desk.follower("kim", 2081)
    assert await _ends(kim, COPYDESK_COPIER__PASSWORD="another password") == 3
    async with signed_in(desk.url, "admin", PASSWORD) as admin:
        user = next(one for one in await admin.users() if one.username == "kim")
        await admin.change_user(user.id, UserChange(allowed_mt5_id=None))
    assert await _ends(kim) == 6
    kim.config = '[api]\npassword = "x"\n'
    assert await _ends(kim) == 1
    for said in ("does not let kim in", "an admin sets allowed_mt5_id", "chmod 600"):
        assert said in kim.log()


async def _ends(follower, **settings):
    async with follower.copier(**settings) as running:
        return await asyncio.wait_for(running.process.wait(), 20)


async def _lots(follower, lots):
    return [one[2] for one in await follower.held()] == [Decimal(lots)]


async def _finished(follower, count):
    found = await follower.executions()
    return len(found) == count and all(one.status != "pending" for one in found)


async def _planned(follower):
    return len(await follower.executions()) == 1


def _tickets(follower):
    return [(one["symbol"], one["ticket"]) for one in follower.hand.look()["positions"]]


async def _terminal(desk, follower):
    async with signed_in(desk.url, "admin", PASSWORD) as admin:
        user = next(one for one in await admin.users() if one.username == follower.name)
        return await admin.terminals(user.id)


async def _is_shown(desk, follower, *, connected):
    return (await _terminal(desk, follower)).connected is connected


async def _subscription(follower):
    async with signed_in(follower.desk.url, follower.name, PASSWORD) as api:
        [found] = await api.subscriptions()
        return found


async def _freshness(desk, seconds):
    async with signed_in(desk.url, "paula", PASSWORD) as provider:
        await provider.change_bot(desk.bot.id, BotChange(open_freshness_s=seconds))


async def _price(desk, symbol, price, *, spread=None, hold=True):
    body = {"symbol": symbol, "price": price, "hold": hold} | ({} if spread is None else {"spread": spread})
    (await desk.broker.post("/_sim/price", json=body)).raise_for_status()
