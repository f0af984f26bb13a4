"""What breaks, breaks for one follower alone; an unknown outcome is asked about and never sent again."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.execution import State
from copydesk.domain.subscription import Environment
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.engine.sessions import Sessions
from copydesk.ports.venue import ClockReading
from copydesk.venues.binance import BinanceFutures, codec
from desk_support import CLOCK, running_desk
from store_support import make_account


@pytest.fixture(autouse=True)
def soon_settled(monkeypatch):
    """The venue's own limits make 15.5 s; the order of things is the same in less."""
    monkeypatch.setattr(codec, "SETTLE_AFTER", timedelta(seconds=2))


async def prepared_follower(desk, **overrides):
    """A follower whose account is set up already, so that the next order is the next request."""
    follower = await desk.follow(
        **{"custom_stop_loss_pct": Decimal(0), "custom_take_profit_pct": Decimal(0)} | overrides
    )
    await desk.settled(await desk.signal("open_long", "ETHUSDT"), count=len(desk.followers))
    await desk.settled(await desk.signal("open_long"), count=len(desk.followers))
    await desk.settled(await desk.signal("close"), count=len(desk.followers))
    return follower


async def market_orders(desk, follower):
    return [one for one in await desk.simulator.orders(follower.key) if one["symbol"] == "BTCUSDT"]


@pytest.mark.parametrize(
    ("kind", "executed"),
    [
        ("drop_before", False),
        ("drop_after", True),
        ("html_502", False),
        ("empty_200", True),
        ("unknown_executed", True),
        ("unknown_not_executed", False),
        ("truncated", True),
    ],
)
async def test_an_unclear_answer_is_settled_by_asking_and_sent_only_once(desk, kind, executed):
    follower = await prepared_follower(desk)
    before = len(await market_orders(desk, follower))
    await desk.simulator.tell("faults", kind=kind, next_n=1)

    (opened,) = await desk.settled(await desk.signal("open_long"), within_s=30)

    assert opened.state is (State.FILLED if executed else State.NOT_PLACED), opened.reason
    assert len(await market_orders(desk, follower)) == before + executed
    assert (await desk.position(follower) is not None) is executed


async def test_a_slow_answer_is_unknown_until_the_venue_shows_the_order(tmp_path, simulator, monkeypatch):
    monkeypatch.setattr(BinanceFutures, "traits", replace(BinanceFutures.traits, tells_news=False))
    async with running_desk(tmp_path, simulator, venue_timeout_s=1.0) as desk:
        follower = await prepared_follower(desk)
        await simulator.tell("faults", kind="delay_after", next_n=1, delay_s=4)

        (opened,) = await desk.settled(await desk.signal("open_long"))
        timeline = await desk.store.read(lambda tables: tables.history.timeline([opened.id])[opened.id])

        assert [event.state for event in timeline] == [State.SENDING, State.UNKNOWN, State.FILLED]
        assert (await desk.position(follower)).quantity == opened.executed_quantity


async def test_a_throttled_opening_is_rejected_and_a_throttled_close_is_sent_once_more(desk):
    follower = await prepared_follower(desk)
    await desk.simulator.tell("faults", kind="rate_limit", next_n=1, delay_s=1)
    (opened,) = await desk.settled(await desk.signal("open_long"))
    await asyncio.sleep(1.1)  # until the venue may be asked again
    (again,) = await desk.settled(await desk.signal("open_long"))
    await desk.simulator.tell("faults", kind="rate_limit", next_n=1, delay_s=1)

    (closed,) = await desk.settled(await desk.signal("close"), within_s=30)

    assert (opened.state, again.state) == (State.REJECTED, State.FILLED)
    assert (closed.state, closed.attempt) == (State.FILLED, 2)
    assert await desk.position(follower) is None


async def test_a_close_that_got_lost_is_proved_absent_and_then_sent_once_more(desk):
    follower = await prepared_follower(desk)
    await desk.settled(await desk.signal("open_long"))
    await desk.simulator.tell("faults", kind="drop_before", next_n=1)

    (closed,) = await desk.settled(await desk.signal("close"), within_s=30)

    assert (closed.state, closed.attempt) == (State.FILLED, 2)
    assert closed.client_order_id.endswith("-2")
    assert await desk.position(follower) is None


async def test_a_close_waits_for_an_opening_that_is_not_settled_yet(desk):
    follower = await prepared_follower(desk)
    await desk.simulator.tell("faults", kind="drop_after", next_n=1)

    opening, closing = await desk.signal("open_long"), await desk.signal("close")
    (opened,) = await desk.settled(opening)
    (closed,) = await desk.settled(closing)

    assert opened.state is closed.state is State.FILLED
    assert int(opened.exchange_order_id) < int(closed.exchange_order_id)
    assert await desk.position(follower) is None


async def test_a_refused_key_is_told_and_nothing_more_is_sent_with_it(desk):
    good = await desk.follow()
    bad = await desk.follow(known_to_venue=False)

    found = {one.subscription_id: one for one in await desk.settled(await desk.signal("buy"))}
    account = await desk.store.read(lambda tables: tables.followers.account(bad.account.id))

    assert found[good.subscription.id].state is State.FILLED
    assert found[bad.subscription.id].state is State.SKIPPED
    assert "-2015" in found[bad.subscription.id].reason
    assert account.key_check == "refused"


class StandInVenue:
    """The real venue, except that one account's sessions misbehave."""

    def __init__(self, venue, misbehave):
        self._venue = venue
        self._misbehave = misbehave

    def __getattr__(self, name):
        return getattr(self._venue, name)

    def open_session(self, account, credentials):
        session = self._venue.open_session(account, credentials)
        return self._misbehave(account, session)


class Hanging:
    def __init__(self, session):
        self._session = session

    def begin(self, _request):
        return None

    def __getattr__(self, name):
        async def never(*_args, **_kwargs):
            await asyncio.sleep(3600)

        return never


class Broken:
    def __init__(self, session):
        self._session = session

    def __getattr__(self, name):
        return getattr(self._session, name)

    def begin(self, request):
        raise ZeroDivisionError

    async def place(self, request):
        raise ZeroDivisionError


@pytest.mark.parametrize("fault", [Hanging, Broken])
async def test_one_follower_hanging_or_breaking_leaves_the_others_filled_and_fast(tmp_path, simulator, fault):
    unlucky = set()

    def misbehave(account, session):
        return fault(session) if account.id in unlucky else session

    def wrap(venues):
        return {**venues, BINANCE_FUTURES: StandInVenue(venues[BINANCE_FUTURES], misbehave)}

    async with running_desk(tmp_path, simulator, wrap=wrap, venue_timeout_s=30) as desk:
        followers = [await desk.follow() for _ in range(4)]
        unlucky.add(followers[1].account.id)
        lucky = {one.subscription.id for one in followers} - {followers[1].subscription.id}

        acceptance = await desk.signal("buy")
        await desk.until(lambda: all_filled(desk, acceptance, lucky), within_s=5)

        followed = await desk.signal("close")
        await desk.until(lambda: all_filled(desk, followed, lucky), within_s=5)


async def all_filled(desk, acceptance, lucky):
    found = await desk.executions(acceptance)
    filled = {one.subscription_id for one in found if one.leg in {"open", "close"} and one.state is State.FILLED}
    return lucky <= filled


async def test_a_venue_that_is_away_opens_nothing_and_says_so(desk):
    await desk.follow()
    desk.desk.sessions._venues[BINANCE_FUTURES]._simulator_url = "http://127.0.0.1:9"

    (skipped,) = await desk.settled(await desk.signal("buy"))

    assert skipped.state is State.SKIPPED
    assert "no connection" in skipped.reason


async def test_an_opening_that_comes_too_late_expires_and_is_not_sent(desk):
    await desk.follow()

    late = await desk.signal("buy", received_at=CLOCK.now() - timedelta(seconds=31))
    (expired,) = await desk.settled(late)

    assert expired.state is State.EXPIRED
    assert await desk.simulator.orders() == []


async def test_a_position_whose_stop_is_refused_is_closed_again_by_the_desk(desk):
    follower = await desk.follow(custom_stop_loss_pct=Decimal("2.5"), custom_take_profit_pct=Decimal(0))
    await desk.settled(await desk.signal("open_long", "ETHUSDT"), legs=("stop_loss",))
    await desk.simulator.tell("faults", kind="rate_limit", probability=1, delay_s=60, path="/fapi/v1/algoOrder")

    opened = await desk.signal("open_long")
    await desk.settled(opened)
    await desk.until(lambda: flat(desk, follower), within_s=30)

    found = await desk.executions(follower=follower)
    closing = [one for one in found if one.leg == "close" and one.symbol == "BTCUSDT"]
    assert [one.state for one in closing] == [State.FILLED]


async def test_a_close_does_not_wait_for_a_person(desk):
    follower = await prepared_follower(desk)
    await desk.settled(await desk.signal("open_long"))
    await desk.simulator.tell("faults", kind="drop_before", next_n=1)
    lost = await desk.signal("open_long")

    async def unknown():
        return [one.state for one in await desk.executions(lost)] == [State.UNKNOWN]

    await desk.until(unknown)
    (opening,) = await desk.executions(lost)
    review = replace(
        opening, state=State.REVIEW, reason="a person is asked", next_look_at=CLOCK.now() + timedelta(hours=1)
    )
    await desk.store.write(lambda tables: tables.executions.move(opening, review, at=CLOCK.now()))

    (another,) = await desk.executions(await waiting_opening(desk))
    (closed,) = await desk.settled(await desk.signal("close"))

    assert another.state is State.BLOCKED
    assert closed.state is State.FILLED
    assert await desk.position(follower) is None


async def waiting_opening(desk):
    acceptance = await desk.signal("open_long")

    async def there():
        return bool(await desk.executions(acceptance))

    await desk.until(there)
    return acceptance


async def test_a_stop_that_the_venue_does_not_find_any_more_is_placed_again(desk, monkeypatch):
    monkeypatch.setattr(BinanceFutures, "traits", replace(BinanceFutures.traits, tells_news=False))
    monkeypatch.setattr("copydesk.domain.life.LOOKS_UNTIL_LOST", 2)
    follower = await desk.follow(custom_stop_loss_pct=Decimal("2.5"), custom_take_profit_pct=Decimal(0))
    acceptance = await desk.signal("open_long")
    (stop,) = await desk.settled(acceptance, legs=("stop_loss",))

    nameless = replace(stop, client_order_id="cd-nobody-knows", exchange_order_id=None)
    await desk.store.write(lambda tables: tables.executions.move(stop, nameless, at=CLOCK.now()))

    async def placed_again():
        (found,) = [one for one in await desk.executions(acceptance) if one.leg == "stop_loss"]
        return (found.state, found.attempt) == (State.WORKING, 2)

    await desk.until(placed_again, within_s=30)
    assert (await desk.position(follower)).quantity == stop.requested_quantity


async def flat(desk, follower):
    return await desk.position(follower) is None


async def test_a_second_subscription_on_the_same_symbol_and_account_is_skipped(desk):
    from desk_support import new_bot
    from store_support import make_subscription

    first = await desk.follow()
    await desk.settled(await desk.signal("buy"))
    other = new_bot(desk.bot.owner_id)
    second = make_subscription(owner_id=first.account.owner_id, bot_id=other.id, account_id=first.account.id)

    def work(tables):
        tables.bots.add(other, "0" * 64)
        tables.subscriptions.add(second)

    await desk.store.write(work)
    desk.bot = other

    (skipped,) = await desk.settled(await desk.signal("buy"))

    assert skipped.state is State.SKIPPED
    assert skipped.plan["rule"] == "one_subscription_per_symbol"


async def test_the_same_key_a_hundred_times_at_once_is_one_signal(desk):
    await desk.follow()

    accepted = await asyncio.gather(*(desk.signal("buy", key="the same") for _ in range(100)))

    assert len({one.signal_id for one in accepted}) == 1
    assert sum(not one.duplicate for one in accepted) == 1
    await desk.settled(accepted[0])
    assert len([one for one in await desk.simulator.orders() if one["type"] == "MARKET"]) == 1


async def test_a_venue_whose_clock_makes_no_sense_keeps_no_other_clock_from_being_read():
    read = []

    class Odd:
        async def read_clock(self, environment):
            raise TypeError("no number")

    class Sound:
        async def read_clock(self, environment):
            read.append(environment)
            return ClockReading(offset_s=0, uncertainty_s=0)

    sessions = Sessions(None, {"odd": Odd(), "sound": Sound()}, CLOCK)
    await sessions.sync_clock(make_account(venue="sound"))
    (known,) = sessions._clocks.values()
    sessions._clocks = {("odd", Environment.SIMULATOR): known, **sessions._clocks}

    await sessions.sync_clocks()

    assert len(read) == 2
