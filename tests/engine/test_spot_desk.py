"""A desk whose followers hold coins: Binance spot through ccxt."""

import secrets
from datetime import timedelta
from decimal import Decimal

import pytest

from copydesk.domain.bot import MarketType
from copydesk.domain.execution import State
from copydesk.domain.signal import Direction, Target
from copydesk.venues.ccxt import CcxtVenue, market
from copydesk.venues.ccxt.capabilities import Capabilities
from desk_support import CLOCK, running_desk

SPOT = "ccxt:binance"
STEP = Decimal("0.00001")
STRANGER = Capabilities(simulated=True, options={"fetchMargins": False, "fetchMarkets": {"types": ["spot"]}})
"""Trusted with nothing; only its address is known."""


@pytest.fixture
def start_desk(tmp_path, simulator):
    def start(*, known=None, **bot):
        venue = CcxtVenue("binance", CLOCK, simulator_url=simulator.url, timeout_s=10, allow_live=False, known=known)
        wish = {"market_type": MarketType.SPOT, "default_take_profit_pct": Decimal(0), **bot}
        return running_desk(tmp_path, simulator, wrap=lambda venues: {**venues, SPOT: venue}, bot=wish)

    return start


@pytest.fixture
async def desk(start_desk):
    async with start_desk() as running:
        yield running


async def following(desk, **wish):
    key = secrets.token_hex(16)
    await desk.simulator.account(key, spot={"USDT": "10000"})
    return await desk.follow(venue=SPOT, key=key, **wish)


async def coins(desk, follower):
    """What the venue's own ledger says came in and went out, fees in coins included."""
    ledger = (await desk.simulator.http.get("/_sim/ledger", params={"account": follower.key})).json()
    held = Decimal(0)
    for fill in ledger["fills"]:
        sign = 1 if fill["side"] == "BUY" else -1
        held += sign * Decimal(fill["quantity"])
        held -= Decimal(fill["fee"]) if fill.get("fee_asset") == "BTC" else 0
    return held


async def test_a_purchase_holds_what_came_in_after_the_fee_and_a_stop_stands_under_it(desk):
    follower = await following(desk, custom_leverage=7)

    acceptance = await desk.signal("buy")
    (opened,) = await desk.settled(acceptance)
    (stop,) = await desk.settled(acceptance, legs=("stop_loss",), count=1)

    held = await desk.position(follower)
    assert opened.plan["inputs"]["leverage"] == "1"
    assert opened.base_fee == opened.executed_quantity * Decimal("0.001")
    assert held.quantity == opened.executed_quantity - opened.base_fee
    assert held.quantity - STEP < stop.requested_quantity <= held.quantity
    assert stop.state is State.WORKING


async def test_a_close_frees_the_coins_from_the_stop_and_leaves_no_position(desk):
    follower = await following(desk)
    acceptance = await desk.signal("buy")
    await desk.settled(acceptance)
    await desk.settled(acceptance, legs=("stop_loss",), count=1)

    (closed,) = await desk.settled(await desk.signal("close"))
    (stop,) = await desk.settled(acceptance, legs=("stop_loss",), count=1)

    assert closed.state is State.FILLED, closed.reason
    assert stop.state is State.CANCELLED
    assert await desk.position(follower) is None
    assert Decimal(0) <= await coins(desk, follower) < STEP


async def test_a_part_is_sold_and_the_rest_gets_its_stop_back(desk):
    follower = await following(desk, custom_margin_usd=Decimal(1_000))
    acceptance = await desk.signal("buy")
    await desk.settled(acceptance)
    await desk.settled(acceptance, legs=("stop_loss",), count=1)
    before = await desk.position(follower)

    target = Target(direction=Direction.LONG, size=Decimal("0.5"), previous_size=Decimal(1))
    half = await desk.signal("sell", target=target)
    (closed,) = await desk.settled(half)
    (stop,) = await desk.settled(half, legs=("stop_loss",), count=1)

    held = await desk.position(follower)
    assert closed.state is State.FILLED
    assert held.quantity == before.quantity - closed.executed_quantity
    assert stop.state is State.WORKING
    assert held.quantity - STEP < stop.requested_quantity <= held.quantity


async def test_a_close_that_the_venue_refuses_gives_the_stop_back(desk):
    follower = await following(desk, custom_margin_usd=Decimal(1_000))
    acceptance = await desk.signal("buy")
    await desk.settled(acceptance)
    await desk.settled(acceptance, legs=("stop_loss",), count=1)
    await desk.simulator.tell("faults", kind="rate_limit", probability=1, path="POST /api/v3/order", delay_s=1)

    close = await desk.signal("close")
    (refused,) = await desk.settled(close)
    await desk.simulator.http.delete("/_sim/faults")

    async def protected():
        found = [one for one in await desk.executions() if one.leg.startswith("stop_loss")]
        return any(one.state is State.WORKING for one in found) or await desk.position(follower) is None

    assert refused.state in {State.REJECTED, State.NOT_PLACED}
    await desk.until(protected)


async def test_of_two_stops_one_of_which_sold_only_the_other_comes_back(desk):
    follower = await following(desk, custom_margin_usd=Decimal(1_000))
    first = await desk.signal("open_long")
    await desk.settled(first, legs=("stop_loss",))
    await desk.simulator.hold("BTCUSDT", "99000")
    await CLOCK.sleep(1.1)
    second = await desk.signal("open_long")
    await desk.settled(second, legs=("stop_loss",))
    await desk.simulator.tell("faults", kind="delay_before", next_n=2, path="/api/v3/order", method="DELETE", delay_s=2)
    await desk.simulator.tell("faults", kind="rate_limit", next_n=2, path="POST /api/v3/order", delay_s=1)

    close = await desk.signal("close")
    await desk.simulator.hold("BTCUSDT", "96000")
    (refused,) = await desk.settled(close)
    (again,) = await desk.settled(close, legs=("stop_loss",), count=1)

    (sold,) = [one for one in await desk.executions(second) if one.leg == "stop_loss"]
    held = await desk.position(follower)
    assert (sold.state, refused.state, again.state) == (State.FILLED, State.NOT_PLACED, State.WORKING)
    assert held.quantity - 2 * STEP < again.requested_quantity <= held.quantity


async def test_while_the_venues_clock_is_not_known_the_stop_stays_under_a_close_that_waits(desk):
    await following(desk)
    acceptance = await desk.signal("buy")
    await desk.settled(acceptance, legs=("stop_loss",))
    clocks = desk.desk.sessions._clocks
    known = dict(clocks)
    clocks.clear()
    await desk.simulator.tell("faults", kind="html_502", probability=1, path="GET /api/v3/time")

    close = await desk.signal("close")

    async def waits():
        return [str(one.reason)[:19] for one in await desk.executions(close)] == ["Waits for the venue"]

    await desk.until(waits)
    (stop,) = [one for one in await desk.executions(acceptance) if one.leg == "stop_loss"]
    assert (stop.state, stop.cancel_wanted) == (State.WORKING, False)

    clocks.update(known)
    (closed,) = await desk.settled(close)
    assert closed.state is State.FILLED


async def test_no_order_waits_for_the_market_table_or_fails_with_it(desk, monkeypatch):
    follower = await following(desk)
    await desk.settled(await desk.signal("buy"))
    monkeypatch.setattr(market, "MARKETS_AGE", timedelta(0))
    await desk.simulator.tell("faults", kind="html_502", probability=1, path="GET /api/v3/exchangeInfo")

    (closed,) = await desk.settled(await desk.signal("close"))

    assert closed.state is State.FILLED, closed.reason
    assert await desk.position(follower) is None


async def test_the_market_table_is_read_again_beside_the_clock(desk, monkeypatch):
    follower = await following(desk)
    await desk.settled(await desk.signal("buy"))
    monkeypatch.setattr(market, "MARKETS_AGE", timedelta(0))
    session = await desk.desk.sessions.of(follower.account)
    table = session._table
    before = table._loaded_at

    await desk.desk.sessions.sync_clocks()

    assert table._loaded_at > before


async def test_a_sale_that_certainly_never_left_is_tried_once_more(desk):
    follower = await following(desk, custom_stop_loss_pct=Decimal(0))
    await desk.settled(await desk.signal("buy"))
    await desk.simulator.tell("faults", kind="rate_limit", next_n=1, path="POST /api/v3/order", delay_s=1)

    (closed,) = await desk.settled(await desk.signal("close"))

    assert (closed.state, closed.attempt) == (State.FILLED, 2)
    assert await desk.position(follower) is None


async def test_a_sale_that_may_have_happened_is_not_tried_again(desk):
    follower = await following(desk, custom_stop_loss_pct=Decimal(0))
    await desk.settled(await desk.signal("buy"))
    await desk.simulator.tell("faults", kind="drop_before", next_n=1, account=follower.key)

    (closed,) = await desk.settled(await desk.signal("close"), within_s=40)

    assert (closed.state, closed.attempt) == (State.NOT_PLACED, 1)
    assert await desk.position(follower) is not None


async def test_of_a_stop_and_a_target_the_stop_is_placed_and_the_target_says_why_not(desk):
    await following(desk, custom_take_profit_pct=Decimal(5))

    acceptance = await desk.signal("buy")
    found = await desk.settled(acceptance, legs=("stop_loss", "take_profit"), count=2)

    states = {one.leg: (one.state, one.plan.get("rule")) for one in found}
    assert states["stop_loss"][0] is State.WORKING
    assert states["take_profit"] == (State.SKIPPED, "coins_locked")


async def test_a_lost_answer_is_looked_up_by_our_id_and_never_sent_again(desk):
    follower = await following(desk, custom_stop_loss_pct=Decimal(0))
    await desk.simulator.tell("faults", kind="drop_after", next_n=1, account=follower.key)

    acceptance = await desk.signal("buy")
    (opened,) = await desk.settled(acceptance)

    async def filled():
        (found,) = await desk.executions(acceptance)
        return found.state is State.FILLED

    await desk.until(filled)
    assert len(await desk.simulator.orders(follower.key)) == 1
    assert opened.client_order_id


async def test_an_exchange_nobody_knows_anything_of_is_copied_to_while_its_answers_arrive(start_desk):
    async with start_desk(known=STRANGER) as desk:
        follower = await following(desk, custom_stop_loss_pct=Decimal(0))

        (opened,) = await desk.settled(await desk.signal("buy"))
        (closed,) = await desk.settled(await desk.signal("close"))

        assert (opened.state, closed.state) == (State.FILLED, State.FILLED), (opened.reason, closed.reason)
        assert await desk.position(follower) is None
        assert Decimal(0) <= await coins(desk, follower) < STEP


async def test_an_exchange_nobody_knows_anything_of_is_asked_once_and_then_a_person(start_desk):
    async with start_desk(known=STRANGER) as desk:
        follower = await following(desk, custom_stop_loss_pct=Decimal(0))
        await desk.simulator.tell("faults", kind="drop_after", next_n=1, account=follower.key)

        acceptance = await desk.signal("buy")

        async def unknown():
            return [one.state for one in await desk.executions(acceptance)] == [State.UNKNOWN]

        await desk.until(unknown)
        await CLOCK.sleep(2.5)
        (found,) = await desk.executions(acceptance)
        assert found.state is State.UNKNOWN
        assert len(await desk.simulator.orders(follower.key)) == 1


async def test_where_the_desk_can_place_no_stop_nothing_that_wants_one_is_opened(start_desk):
    async with start_desk(known=STRANGER) as desk:
        follower = await following(desk)

        (skipped,) = await desk.settled(await desk.signal("buy"))

        assert (skipped.state, skipped.plan["rule"]) == (State.SKIPPED, "no_stops")
        assert await desk.simulator.orders(follower.key) == []


async def test_a_futures_bot_is_not_copied_to_coins(start_desk):
    async with start_desk(market_type=MarketType.FUTURES) as desk:
        await following(desk)

        (skipped,) = await desk.settled(await desk.signal("buy"))

        assert (skipped.state, skipped.plan["rule"]) == (State.SKIPPED, "market_type")
