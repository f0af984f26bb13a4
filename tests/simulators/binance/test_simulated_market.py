"""The market every simulator shares: candles, replay, a price that is held."""

from decimal import Decimal
from itertools import pairwise

import pytest

from copydesk.simulators.market import Candle, CandleFileError, Market, Start, read_candles

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


def test_a_long_sleep_is_not_raced_through():
    market = make_market()

    assert len(play(market, NOON + 24 * 3_600_000)) == 240
    assert play(market, NOON + 24 * 3_600_000) == []


@pytest.mark.parametrize(
    "text",
    ["", "ts_ms,open,high,low,close,volume\n", "0,1,2,3\n", "0,10,9,8,10,1\n", "0,1,a,1,1,1\n", "0,1,NaN,1,1,1\n"],
)
def test_a_file_that_is_no_candles_is_refused(tmp_path, text):
    file = tmp_path / "candles.csv"
    file.write_text(text)

    with pytest.raises(CandleFileError):
        read_candles(file)
