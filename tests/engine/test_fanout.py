"""One signal becomes every follower's own order."""

import random
from decimal import Decimal
from fractions import Fraction

import pytest

from copydesk.domain.execution import State
from copydesk.domain.signal import Direction, Side, Size, SizeUnit, Target
from copydesk.domain.venue import PAPER
from copydesk.stores.executions import Executions
from copydesk.stores.followers import Followers
from desk_support import CLOCK


async def test_the_first_story_of_a_desk_fills_each_follower_with_its_own_size(desk):
    small = await desk.follow(custom_leverage=5, custom_margin_usd=Decimal(20))
    default = await desk.follow()

    acceptance = await desk.signal("buy")
    found = {one.subscription_id: one for one in await desk.settled(acceptance)}

    assert found[small.subscription.id].executed_quantity == Decimal("0.001")
    assert found[default.subscription.id].executed_quantity == Decimal("0.005")
    assert all(one.state is State.FILLED and one.side is Side.BUY for one in found.values())


async def test_a_quantity_below_the_minimum_is_skipped_with_its_numbers(desk):
    await desk.follow(custom_leverage=1, custom_margin_usd=Decimal(5))

    (skipped,) = await desk.settled(await desk.signal("buy"))

    assert skipped.state is State.SKIPPED
    assert "minimum" in skipped.reason
    assert skipped.plan["numbers"]["margin_usd"] == "5"
    assert skipped.plan["numbers"]["last_price"].startswith("95")
    assert await desk.simulator.orders() == []


async def test_stop_and_target_stand_at_their_percentages_after_the_fill(desk):
    follower = await desk.follow()

    acceptance = await desk.signal("buy")
    stops = await desk.settled(acceptance, legs=("stop_loss", "take_profit"), count=2)

    by_leg = {one.leg: one for one in stops}
    entry = (await desk.position(follower)).entry_price
    assert all(one.state is State.WORKING for one in stops)
    assert abs(by_leg["stop_loss"].trigger_price - entry * Decimal("0.975")) <= Decimal("0.05")
    assert abs(by_leg["take_profit"].trigger_price - entry * Decimal("1.05")) <= Decimal("0.05")
    at_venue = {one["client_order_id"]: one for one in await desk.simulator.orders(follower.key)}
    assert all(at_venue[one.client_order_id]["reduce_only"] for one in stops)


async def test_a_stop_of_zero_is_a_choice_and_places_none(desk):
    await desk.follow(custom_stop_loss_pct=Decimal(0), custom_take_profit_pct=Decimal(0))

    acceptance = await desk.signal("buy")
    await desk.settled(acceptance)

    assert [one.leg for one in await desk.executions(acceptance)] == ["open"]


async def test_closing_sells_what_was_opened_and_cancels_its_stops(desk):
    follower = await desk.follow()
    opening = await desk.signal("buy")
    await desk.settled(opening, legs=("stop_loss", "take_profit"), count=2)

    (closed,) = await desk.settled(await desk.signal("close"))
    stops = await desk.settled(opening, legs=("stop_loss", "take_profit"), count=2)
    await desk.until(lambda: _all_cancelled(desk, opening))

    assert (closed.state, closed.side, closed.executed_quantity) == (State.FILLED, Side.SELL, Decimal("0.005"))
    assert len(stops) == 2
    assert await desk.position(follower) is None
    assert await desk.simulator.positions() == {}


async def _all_cancelled(desk, opening):
    found = await desk.executions(opening)
    return all(one.state is State.CANCELLED for one in found if one.is_protection)


async def test_a_close_without_a_position_is_skipped_with_the_reason(desk):
    await desk.follow()

    (skipped,) = await desk.settled(await desk.signal("close"))

    assert (skipped.state, skipped.reason) == (State.SKIPPED, "No position to close")


async def test_a_reversal_closes_first_and_then_opens_the_other_way(desk):
    follower = await desk.follow()
    await desk.settled(await desk.signal("open_long"), legs=("stop_loss", "take_profit"), count=2)

    reversal = await desk.signal("open_short")
    legs = {one.leg: one for one in await desk.settled(reversal, count=2)}

    assert legs["close"].state is legs["open"].state is State.FILLED
    assert int(legs["close"].exchange_order_id) < int(legs["open"].exchange_order_id)
    held = await desk.position(follower)
    assert (held.direction, held.quantity) == (Direction.SHORT, Decimal("0.005"))
    assert await desk.simulator.positions() == {(follower.key, "BTCUSDT"): Decimal("-0.005")}


async def test_an_opposite_bare_signal_closes_and_does_not_reverse_by_default(desk):
    follower = await desk.follow()
    await desk.settled(await desk.signal("buy"))

    found = await desk.settled(await desk.signal("sell"))

    assert [one.leg for one in found] == ["close"]
    assert await desk.position(follower) is None


async def test_a_partial_exit_closes_its_part_and_resizes_the_stops(desk):
    follower = await desk.follow(custom_margin_usd=Decimal(100))
    opening = await desk.signal("open_long")
    await desk.settled(opening, legs=("stop_loss", "take_profit"), count=2)
    half = Target(direction=Direction.LONG, size=Decimal(1), previous_size=Decimal(2))

    partial = await desk.signal("sell", target=half)
    (closed,) = await desk.settled(partial)
    smaller = await desk.settled(partial, legs=("stop_loss", "take_profit"), count=2)

    assert closed.executed_quantity == Decimal("0.005")
    assert (await desk.position(follower)).quantity == Decimal("0.005")
    assert {one.requested_quantity for one in smaller} == {Decimal("0.005")}
    await desk.until(lambda: _all_cancelled(desk, opening))


async def test_a_stop_that_triggers_closes_the_position_books_the_loss_and_cancels_the_target(desk):
    follower = await desk.follow()
    opening = await desk.signal("buy")
    await desk.settled(opening, legs=("stop_loss", "take_profit"), count=2)

    await desk.simulator.hold("BTCUSDT", "92000")
    await desk.until(lambda: _flat(desk, follower))

    states = {one.leg: one.state for one in await desk.executions(opening)}
    assert states["stop_loss"] is State.FILLED
    await desk.until(lambda: _state_is(desk, opening, "take_profit", State.CANCELLED))
    record = await desk.store.read(
        lambda tables: tables.subscriptions.records([follower.subscription.id], CLOCK.now())[follower.subscription.id]
    )
    assert Decimal(15) < record.loss_today_usd < Decimal(18)


async def _flat(desk, follower):
    return await desk.position(follower) is None


async def _state_is(desk, acceptance, leg, state):
    return any(one.leg == leg and one.state is state for one in await desk.executions(acceptance))


async def test_after_the_daily_loss_limit_nothing_more_is_opened(desk):
    follower = await desk.follow(max_daily_loss_usd=Decimal(5))
    await desk.settled(await desk.signal("buy"), legs=("stop_loss", "take_profit"), count=2)
    await desk.simulator.hold("BTCUSDT", "92000")
    await desk.until(lambda: _flat(desk, follower))

    (refused,) = await desk.settled(await desk.signal("open_long"))

    assert (refused.state, refused.reason) == (State.SKIPPED, "Daily loss limit reached")
    assert refused.plan["numbers"]["max_daily_loss_usd"] == "5"


async def test_the_position_limit_counts_symbols_and_is_told(desk):
    await desk.follow(max_concurrent_positions=1)
    await desk.settled(await desk.signal("buy", "BTCUSDT"))

    (refused,) = await desk.settled(await desk.signal("buy", "ETHUSDT"))
    (added,) = await desk.settled(await desk.signal("open_long", "BTCUSDT"))

    assert (refused.state, refused.reason) == (State.SKIPPED, "Max concurrent positions reached")
    assert added.state is State.FILLED


async def test_paper_followers_are_filled_and_protected_like_any_other(desk):
    follower = await desk.follow(venue=PAPER)

    opening = await desk.signal("buy")
    await desk.settled(opening)
    await desk.simulator.hold("BTCUSDT", "100100")
    await desk.until(lambda: _flat(desk, follower))

    states = {one.leg: one.state for one in await desk.executions(opening)}
    assert states["take_profit"] is State.FILLED
    assert await desk.simulator.orders() == []


@pytest.mark.xdist_group("heavy")
async def test_two_hundred_random_followers_get_exactly_what_their_settings_imply(desk):
    dice = random.Random(2026)
    await desk.simulator.tell("limits", weight_per_minute=1_000_000, orders_per_10s=10_000, orders_per_minute=10_000)
    for _ in range(200):
        await desk.follow(
            custom_leverage=dice.choice([None, 1, 2, 3, 5, 10, 20, 50]),
            custom_margin_usd=dice.choice([None, Decimal(dice.randrange(1, 40_000)) / 100]),
            custom_stop_loss_pct=dice.choice([None, Decimal(0), Decimal("1.5")]),
        )

    acceptance = await desk.signal("buy")
    found = {one.subscription_id: one for one in await desk.settled(acceptance, within_s=60)}

    assert len(found) == 200
    orders = {one["client_order_id"]: one for one in await desk.simulator.orders() if one["type"] == "MARKET"}
    for follower in desk.followers:
        execution = found[follower.subscription.id]
        last = Fraction(Decimal(_price_seen(execution)))
        quantity = independent_quantity(follower.subscription, last)
        if quantity < Fraction(1, 1000) or quantity * last < 50:
            assert execution.state is State.SKIPPED, execution.reason
            assert execution.client_order_id is None
        else:
            assert execution.state is State.FILLED, execution.reason
            assert Fraction(execution.executed_quantity) == quantity
            assert Fraction(orders.pop(execution.client_order_id)["executed_quantity"]) == quantity
    assert orders == {}


def _price_seen(execution):
    return execution.plan["inputs"].get("last_price") or execution.plan["numbers"]["last_price"]


def independent_quantity(subscription, last):
    leverage = 10 if subscription.custom_leverage is None else subscription.custom_leverage
    margin = Fraction(50) if subscription.custom_margin_usd is None else Fraction(subscription.custom_margin_usd)
    return (margin * leverage / last * 1000).__floor__() * Fraction(1, 1000)


async def slowly_set_up(desk, follower):
    await desk.simulator.tell(
        "faults", kind="delay_before", next_n=1, account=follower.key, path="POST /fapi/v1/leverage", delay_s=1.5
    )
    acceptance = await desk.signal("buy")

    async def queued():
        return [one.state for one in await desk.executions(acceptance)] == [State.QUEUED]

    await desk.until(queued)
    return acceptance


async def test_a_close_of_the_other_side_leaves_a_waiting_opening_alone(desk):
    follower = await desk.follow()
    opening = await slowly_set_up(desk, follower)

    (closed,) = await desk.settled(await desk.signal("close_short"))
    (opened,) = await desk.settled(opening)

    assert (opened.state, closed.state, closed.plan["rule"]) == (State.FILLED, State.SKIPPED, "no_position")
    assert await desk.position(follower) is not None


async def test_a_close_of_a_part_waits_for_a_waiting_opening_and_closes_its_part(desk):
    follower = await desk.follow(custom_margin_usd=Decimal(100))
    opening = await slowly_set_up(desk, follower)

    (closed,) = await desk.settled(await desk.signal("close", size=Size(unit=SizeUnit.PERCENT, amount=Decimal(50))))
    (opened,) = await desk.settled(opening)

    assert (opened.state, closed.state) == (State.FILLED, State.FILLED)
    assert closed.executed_quantity == opened.executed_quantity / 2


async def test_what_stands_before_is_read_before_what_is_held(desk, monkeypatch):
    """A fill that is booked between the two readings must be seen as under way, or as held."""
    await desk.follow()
    asked = []
    monkeypatch.setattr(Executions, "unsettled", noted(asked, Executions.unsettled))
    monkeypatch.setattr(Followers, "followers", noted(asked, Followers.followers))

    await desk.settled(await desk.signal("open_long"))

    assert asked[0] == "unsettled"
    assert "followers" in asked


def noted(asked, read):
    """The same, with its name added to `asked` first."""

    def reads(self, *given):
        asked.append(read.__name__)
        return read(self, *given)

    return reads


async def test_what_is_sent_is_what_the_database_would_tell(desk, monkeypatch):
    """Results are booked on it without reading it again, where nobody has moved it."""
    await desk.follow(custom_margin_usd=Decimal("20.50"))
    await desk.settled(await desk.signal("buy"))  # sets the account up
    sent, send = [], desk.desk.delivery.send
    monkeypatch.setattr(desk.desk.fanout, "_send", lambda dispatches: (sent.extend(dispatches), send(dispatches)))
    await desk.settled(await desk.signal("buy"))

    (known,) = (one.execution for one in sent)
    stored = await desk.store.read(lambda tables: tables.executions.get(known.id))
    moved = {"state", "version", "updated_at", "executed_quantity", "executed_price", "fee_usd", "exchange_order_id"}
    kept = set(known.__struct_fields__) - moved - {"execution_time_ms", "next_look_at"}
    assert {name: getattr(known, name) for name in kept} == {name: getattr(stored, name) for name in kept}
