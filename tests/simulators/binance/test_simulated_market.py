"""The market every simulator shares: candles, replay, a price that is held."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from copydesk.simulators.market import (
    MONTH_MS,
    Candle,
    CandleFileError,
    Market,
    Start,
    candle_end,
    read_candles,
    read_replays,
)

NOON = 1_800_000_000_000 - 1_800_000_000_000 % 60_000
START = Start(symbol="XAU", price=Decimal(2_000), tick=Decimal("0.01"))


def make_market(replay=()):
    return Market(seed=1, starts=[START], now_ms=NOON, replays={"XAU": replay})


def play(market, until_ms):
    return [market.quote("XAU") for _ in market.steps(until_ms)]


def test_a_replayed_candle_shows_open_both_extremes_and_close_within_a_second():
    rising = Candle(
        start_ms=0, open=Decimal(10), high=Decimal(14), low=Decimal(9), close=Decimal(12), volume=Decimal(4)
    )
    falling = Candle(
        start_ms=1, open=Decimal(12), high=Decimal(13), low=Decimal(8), close=Decimal(9), volume=Decimal(4)
    )

    quotes = play(make_market([rising, falling]), NOON + 2_000)

    assert [quote.last for quote in quotes] == [10, 9, 14, 12, 12, 13, 8, 9]
    assert sum(quote.volume for quote in quotes) == 8


def test_after_the_last_candle_the_market_walks_on_from_its_close():
    candle = Candle(
        start_ms=0, open=Decimal(10), high=Decimal(14), low=Decimal(9), close=Decimal(12), volume=Decimal(4)
    )

    quotes = play(make_market([candle]), NOON + 60_000)

    assert abs(quotes[4].last - 12) < Decimal("0.1")
    assert len({quote.last for quote in quotes[4:]}) > 3


def test_a_held_price_stands_until_the_next_call():
    market = make_market()
    market.put("XAU", Decimal(1_900), NOON, hold=True)

    held = play(market, NOON + 10_000)
    market.put("XAU", Decimal(1_950), NOON + 10_000, hold=False)
    freed = play(market, NOON + 30_000)

    assert {(quote.last, quote.mark, quote.index) for quote in held} == {(1_900, 1_900, 1_900)}
    assert {(quote.bid, quote.ask) for quote in held} == {(Decimal("1899.99"), Decimal("1900.01"))}
    assert len({quote.last for quote in freed}) > 10
    assert abs(freed[0].last - 1_950) < 5


@pytest.mark.parametrize("interval_ms", [60_000, 300_000, 3_600_000, 604_800_000])
def test_candles_have_a_past_are_evenly_spaced_and_enclose_their_prices(interval_ms):
    market = make_market()
    play(market, NOON + 59_000)

    candles = market.chart("XAU").series(interval_ms, limit=500, start_ms=None, end_ms=None)

    assert len(candles) == 500
    assert all(later.start_ms - earlier.start_ms == interval_ms for earlier, later in pairwise(candles))
    assert all(candle.low <= min(candle.open, candle.close) for candle in candles)
    assert all(candle.high >= max(candle.open, candle.close) for candle in candles)
    assert candles[-1].close == market.quote("XAU").last
    assert candles[-2].close == candles[-1].open


def test_a_range_is_asked_by_its_start_and_end():
    chart = make_market().chart("XAU")

    candles = chart.series(60_000, limit=3, start_ms=NOON - 600_000, end_ms=NOON)

    assert [candle.start_ms - NOON for candle in candles] == [-600_000, -540_000, -480_000]


def test_a_long_sleep_is_crossed_in_few_steps_and_leaves_no_minute_out():
    market = make_market()

    assert len(play(market, NOON + 24 * 3_600_000)) == 240
    assert play(market, NOON + 24 * 3_600_000) == []
    candles = market.chart("XAU").series(60_000, limit=1_500, start_ms=None, end_ms=None)
    assert {later.start_ms - earlier.start_ms for earlier, later in pairwise(candles)} == {60_000}
    assert candles[-1].start_ms == NOON + 24 * 3_600_000


def test_candles_stay_evenly_spaced_when_the_oldest_live_minutes_are_dropped():
    market = make_market()

    for day in range(1, 8):
        play(market, NOON + day * 24 * 3_600_000)

    for minutes in (1, 15, 240):
        candles = market.chart("XAU").series(minutes * 60_000, limit=1_500, start_ms=None, end_ms=None)
        assert {later.start_ms - earlier.start_ms for earlier, later in pairwise(candles)} == {minutes * 60_000}


def test_a_month_is_a_calendar_month():
    market = make_market()

    candles = market.chart("XAU").series(MONTH_MS, limit=30, start_ms=None, end_ms=None)

    days = [datetime.fromtimestamp(candle.start_ms / 1_000, UTC) for candle in candles]
    assert [(day.day, day.hour) for day in days] == [(1, 0)] * 30
    assert [(later.month - earlier.month) % 12 for earlier, later in pairwise(days)] == [1] * 29
    assert [candle_end(earlier.start_ms, MONTH_MS) for earlier in candles[:-1]] == [
        each.start_ms for each in candles[1:]
    ]


def test_the_candle_before_the_open_one_is_final():
    market = make_market()
    play(market, NOON + 59_750)
    last = market.chart("XAU").current(60_000)

    assert market.chart("XAU").previous(60_000) is None
    play(market, NOON + 60_000)

    assert market.chart("XAU").previous(60_000) == last
    assert market.chart("XAU").current(60_000).start_ms == NOON + 60_000


@pytest.mark.parametrize(("kind", "traded"), [("last", True), ("mark", False), ("index", False), ("premium", False)])
def test_mark_index_and_premium_have_candles_of_their_own(kind, traded):
    market = make_market()
    play(market, NOON + 60_000)

    candles = market.chart("XAU", kind).series(60_000, limit=50, start_ms=None, end_ms=None)
    quote = market.quote("XAU")

    expected = {"last": quote.last, "mark": quote.mark, "index": quote.index}
    assert candles[-1].close == expected.get(kind, (quote.mark / quote.index - 1).quantize(Decimal("0.00000001")))
    assert all(candle.low <= min(candle.open, candle.close) for candle in candles)
    assert all(candle.high >= max(candle.open, candle.close) for candle in candles)
    assert bool(candles[-2].volume) == traded


def test_each_step_in_which_something_traded_leaves_a_print():
    market = make_market()

    quotes = play(market, NOON + 60_000)
    prints = market.tape("XAU").latest(240)

    assert [each.price for each in prints] == [quote.last for quote in quotes]
    assert [each.trade_id for each in prints] == list(range(2, 242))
    assert market.tape("XAU").since(100, 3) == prints[98:101]


@pytest.mark.parametrize(
    ("wish", "symbol"),
    [("{}/candles.csv", "AAA"), ("{}/bbb_1m.csv", "BBB"), ("bbb={}/candles.csv", "BBB"), ("AAA={}/bbb_1m.csv", "AAA")],
)
def test_the_symbol_of_a_file_is_named_or_read_off_its_name(tmp_path, wish, symbol):
    for name in ("candles.csv", "bbb_1m.csv"):
        (tmp_path / name).write_text("ts_ms,open,high,low,close,volume\n0,10,11,9,10,1\n60000,10,11,9,10,1\n")

    replays = read_replays([wish.format(tmp_path)], ("AAA", "BBB"), "AAA")

    assert {name: len(candles) for name, candles in replays.items()} == {symbol: 2}


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (["CCC=candles.csv"], "no symbol CCC; one of AAA, BBB"),
        (["nowhere.csv"], "nowhere.csv"),
        (["AAA=nowhere.csv"], "nowhere.csv"),
        (["candles.csv", "AAA=candles.csv"], "AAA is replayed from another file already"),
    ],
)
def test_a_wish_that_can_not_be_replayed_says_why(tmp_path, monkeypatch, wishes, told):
    (tmp_path / "candles.csv").write_text("0,10,11,9,10,1\n")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CandleFileError, match=told):
        read_replays(wishes, ("AAA", "BBB"), "AAA")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ts_ms,open,high,low,close,volume\n",
        "0,1,2,3\n",
        "0,10,9,8,10,1\n",
        "0,1,a,1,1,1\n",
        "0,1,NaN,1,1,1\n",
        "0,1,1,1,1,-1\n",
        "0.5,1,1,1,1,1\n",
        "5,1,1,1,1,1\n5,1,1,1,1,1\n",
    ],
)
def test_a_file_that_is_no_candles_is_refused(tmp_path, text):
    file = tmp_path / "candles.csv"
    file.write_text(text)

    with pytest.raises(CandleFileError):
        read_candles(file)
