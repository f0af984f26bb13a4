"""What market streams say as time passes: candles that close, and changes of the book that a client can follow."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.simulators.binance.clockwork import engine
from copydesk.simulators.binance.edge.feeds import open_feed
from copydesk.simulators.binance.rest.market_routes import levels
from copydesk.simulators.binance.server import make_exchange

START_MS = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
STEP_MS = 250
PRICES = st.integers(min_value=900_000, max_value=1_000_000).map(lambda ticks: Decimal(ticks) / 10)


@pytest.fixture
def exchange():
    return make_exchange(seed=1, now_ms=START_MS)


class Follower:
    """A client's book: a snapshot and the changes after it, joined the way the venue's documents say."""

    def __init__(self, exchange, symbol):
        rows = levels(exchange, symbol, 1_000)
        self.sides = {side: dict(rows[side]) for side in ("bids", "asks")}
        self.last = exchange.depth[symbol].update
        self.joined = False

    def take(self, event):
        if event["u"] < self.last or (not self.joined and event["u"] == self.last):
            return
        if self.joined:
            assert event["pu"] == self.last
        else:
            assert event["U"] <= self.last + 1 <= event["u"] + 1
        self.joined, self.last = True, event["u"]
        for side, changes in (("bids", event["b"]), ("asks", event["a"])):
            for price, quantity in changes:
                self.sides[side].pop(price, None)
                if quantity != "0":
                    self.sides[side][price] = quantity

    def best(self, count):
        bids = sorted(self.sides["bids"].items(), key=lambda level: -Decimal(level[0]))
        asks = sorted(self.sides["asks"].items(), key=lambda level: Decimal(level[0]))
        return {"bids": [list(level) for level in bids[:count]], "asks": [list(level) for level in asks[:count]]}


@given(moves=st.lists(st.one_of(st.none(), PRICES), min_size=3, max_size=8), joins_after=st.integers(0, 2))
def test_a_book_kept_by_changes_is_the_venues_book(moves, joins_after):
    exchange = make_exchange(seed=1, now_ms=START_MS)
    feed, now_ms, follower = open_feed(exchange, "btcusdt@depth@100ms"), START_MS, None

    for number, price in enumerate(moves):
        now_ms += STEP_MS
        engine.advance(exchange, now_ms)
        if price is not None:
            engine.put_price(exchange, "BTCUSDT", price, now_ms, hold=False)
        if number == joins_after:
            follower = Follower(exchange, "BTCUSDT")
        for event in feed.due(exchange, now_ms):
            if follower is not None:
                follower.take(event)

    assert follower.best(1_000) == levels(exchange, "BTCUSDT", 1_000)


def test_a_level_that_was_eaten_and_came_back_between_two_events_is_told(exchange):
    engine.put_price(exchange, "BTCUSDT", Decimal(95_200), START_MS, hold=True)
    feed, depth = open_feed(exchange, "btcusdt@depth@100ms"), exchange.depth["BTCUSDT"]

    best = next(depth.facing("BUY", exchange.quote("BTCUSDT")))
    depth.take("BUY", best, best.quantity)
    follower = Follower(exchange, "BTCUSDT")
    engine.advance(exchange, START_MS + STEP_MS)
    for event in feed.due(exchange, START_MS + STEP_MS):
        follower.take(event)

    assert follower.best(50) == levels(exchange, "BTCUSDT", 50)
    assert Decimal(follower.sides["asks"]["95200.1"]) == best.quantity


def test_changes_say_only_what_changed_and_name_the_event_before(exchange):
    feed = open_feed(exchange, "btcusdt@depth@500ms")

    events = []
    for step in range(1, 9):
        engine.advance(exchange, START_MS + step * STEP_MS)
        events += feed.due(exchange, START_MS + step * STEP_MS)

    assert [event["pu"] for event in events[1:]] == [event["u"] for event in events[:-1]]
    assert len(events) == 5  # one a slot of half a second: the first slot is already half over
    assert {event["U"] - event["pu"] for event in events} == {1}
    assert max(len(event["b"]) for event in events) < 300


def test_a_partial_book_shows_its_levels_whole(exchange):
    feed = open_feed(exchange, "ethusdt@depth10")

    engine.advance(exchange, START_MS + STEP_MS)
    [event] = feed.due(exchange, START_MS + STEP_MS)

    assert {"bids": event["b"], "asks": event["a"]} == levels(exchange, "ETHUSDT", 10)
    assert (event["u"], event["U"] - event["pu"]) == (exchange.depth["ETHUSDT"].update, 1)


@pytest.mark.parametrize(
    ("name", "kind", "symbol"),
    [("btcusdt@kline_1m", "kline", "s"), ("btcusdt_perpetual@continuousKline_1m", "continuous_kline", "ps")],
)
def test_a_candle_says_once_that_it_is_over_with_its_last_values(exchange, name, kind, symbol):
    feed = open_feed(exchange, name)

    events = []
    for step in range(1, 500):
        now_ms = START_MS + step * STEP_MS
        engine.advance(exchange, now_ms)
        events += feed.due(exchange, now_ms)

    closed = [event["k"] for event in events if event["k"]["x"]]
    assert {(event["e"], event[symbol]) for event in events} == {(kind, "BTCUSDT")}
    assert [candle["t"] for candle in closed] == [START_MS, START_MS + 60_000]
    [stored] = exchange.market.chart("BTCUSDT").series(60_000, limit=1, start_ms=START_MS, end_ms=None)
    assert (closed[0]["c"], closed[0]["h"]) == (str(stored.close.normalize()), str(stored.high.normalize()))
    after = events[[event["k"] for event in events].index(closed[0]) + 1]["k"]
    assert (after["t"], after["x"]) == (START_MS + 60_000, False)


def test_tickers_speak_every_two_seconds_and_mark_prices_every_one_or_three(exchange):
    names = ("btcusdt@ticker", "btcusdt@miniTicker", "btcusdt@markPrice", "btcusdt@markPrice@1s", "!ticker@arr")
    feeds = {name: open_feed(exchange, name) for name in names}

    counts = dict.fromkeys(names, 0)
    for step in range(48):  # twelve seconds from a round minute on
        for name, feed in feeds.items():
            counts[name] += len(feed.due(exchange, START_MS + step * STEP_MS))

    assert counts == {
        "btcusdt@ticker": 6,
        "btcusdt@miniTicker": 6,
        "btcusdt@markPrice": 4,
        "btcusdt@markPrice@1s": 12,
        "!ticker@arr": 12,
    }


def test_trades_have_numbers_of_their_own_and_cease_while_the_price_is_held(exchange):
    feeds = [open_feed(exchange, "btcusdt@trade"), open_feed(exchange, "btcusdt@aggTrade")]

    def play(first, last):
        events = []
        for step in range(first, last):
            engine.advance(exchange, START_MS + step * STEP_MS)
            events += [event for feed in feeds for event in feed.due(exchange, START_MS + step * STEP_MS)]
        return events

    moving = play(1, 6)
    engine.put_price(exchange, "BTCUSDT", Decimal(95_200), START_MS + 5 * STEP_MS, hold=True)
    held = play(6, 9)

    assert len({event["t"] for event in moving if event["e"] == "trade"}) == 5
    assert len({event["a"] for event in moving if event["e"] == "aggTrade"}) == 5
    assert {event["p"] for event in held} == {"95200"}
    assert len(held) == 2  # the price that was put, as trade and as aggTrade


@pytest.mark.parametrize(
    "name",
    [
        "nope@trade",
        "BTCUSDT@trade",
        "btcusdt@kline_7m",
        "btcusdt@depth7",
        "btcusdt@depth@50ms",
        "btcusdt_current_quarter@continuousKline_1m",
        "!nothing@arr",
        "btcusdt",
    ],
)
def test_names_that_the_venue_does_not_know_have_nothing_to_say(exchange, name):
    assert open_feed(exchange, name) is None
