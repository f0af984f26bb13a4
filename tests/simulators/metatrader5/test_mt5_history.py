"""Bars, ticks, orders and deals of the past, in the server's own time."""

import pytest
from mt5_simulator_support import market, opened

MONDAY = 1_767_571_200  # 2026-01-05 00:00 of the server's clock


@pytest.mark.parametrize(
    ("timeframe", "seconds"),
    [("M1", 60), ("M5", 300), ("M30", 1_800), ("H1", 3_600), ("H4", 14_400), ("D1", 86_400), ("W1", 604_800)],
)
def test_bars_of_every_timeframe_follow_each_other(mt5, broker, timeframe, seconds):
    broker.pass_time(seconds=30)
    number = getattr(mt5, f"TIMEFRAME_{timeframe}")

    bars = mt5.copy_rates_from_pos("EURUSD", number, 0, 50)

    assert len(bars) == 50
    assert {int(gap) for gap in bars["time"][1:] - bars["time"][:-1]} == {seconds}
    assert (bars["high"] >= bars["low"]).all()
    assert bars["close"][-1] == mt5.symbol_info_tick("EURUSD").bid


def test_the_three_ways_to_bars_agree(mt5, broker):
    broker.pass_time(seconds=30)
    last = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M5, 0, 10)

    shifted = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M5, 3, 7)
    until = mt5.copy_rates_from("EURUSD", mt5.TIMEFRAME_M5, int(last["time"][6]), 7)
    between = mt5.copy_rates_range("EURUSD", mt5.TIMEFRAME_M5, int(last["time"][2]), int(last["time"][6]))

    assert (shifted == last[:7]).all()
    assert (until == last[:7]).all()
    assert (between == last[2:7]).all()
    assert len(mt5.copy_rates_range("EURUSD", mt5.TIMEFRAME_M5, 2_000_000_000, 2_000_000_001)) == 0


def test_an_unknown_symbol_or_timeframe_has_no_bars(mt5):
    assert mt5.copy_rates_from_pos("NOSUCH", 1, 0, 1) is None
    assert mt5.last_error() == (-4, "Terminal: Not found")
    assert mt5.copy_rates_from_pos("EURUSD", 7, 0, 1) is None
    assert mt5.last_error() == (-2, "Terminal: Invalid params")
    assert mt5.copy_ticks_from("NOSUCH", 0, 1, mt5.COPY_TICKS_ALL) is None


def test_ticks_are_the_changes_of_bid_and_ask(mt5, broker):
    broker.hold("EURUSD", "1.08600")
    broker.pass_time(seconds=2)
    broker.hold("EURUSD", "1.08700")

    ticks = mt5.copy_ticks_from("EURUSD", MONDAY, 100, mt5.COPY_TICKS_INFO)

    assert list(ticks["bid"][-2:]) == [1.086, 1.087]
    assert set(ticks["flags"]) == {mt5.TICK_FLAG_BID | mt5.TICK_FLAG_ASK}
    assert ticks["time_msc"][-1] == (MONDAY + 2) * 1_000
    assert len(mt5.copy_ticks_range("EURUSD", MONDAY + 1, MONDAY + 5, mt5.COPY_TICKS_ALL)) == 1
    assert len(mt5.copy_ticks_from("EURUSD", MONDAY, 1, mt5.COPY_TICKS_ALL)) == 1
    assert len(mt5.copy_ticks_from("EURUSD", MONDAY, 100, mt5.COPY_TICKS_TRADE)) == 0


def test_history_is_cut_by_the_servers_clock_and_by_group(mt5, broker):
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY)
    broker.pass_time(hours=1)
    market(mt5, mt5.ORDER_TYPE_SELL, position=ticket)
    opened(mt5, mt5.ORDER_TYPE_BUY, symbol="GBPUSD")

    later = MONDAY + 3_600
    assert mt5.history_deals_total(MONDAY, MONDAY) == 2, "the deposit and the first deal"
    assert [each.symbol for each in mt5.history_deals_get(later, later)] == ["EURUSD", "GBPUSD"]
    assert [each.symbol for each in mt5.history_deals_get(later, later, group="GBP*")] == ["GBPUSD"]
    assert len(mt5.history_orders_get(MONDAY, later, group="EUR*")) == 2
    assert mt5.history_orders_total(MONDAY, later) == 3
    assert mt5.history_deals_get(ticket=ticket)[0].order == ticket
    assert mt5.history_deals_get(ticket=5) == ()


def test_a_market_that_moves_changes_prices_by_itself(mt5, broker):
    broker.tell("price", symbol="EURUSD", price="1.085")
    bids = set()
    for _ in range(20):
        broker.pass_time(seconds=1)
        bids.add(mt5.symbol_info_tick("EURUSD").bid)

    assert len(bids) > 5
    info = mt5.symbol_info("EURUSD")
    assert info.bidlow <= info.bid <= info.bidhigh
    assert info.ask - info.bid == pytest.approx(info.spread * info.point)


def test_a_symbol_and_its_suffixed_twin_move_as_one(mt5, broker):
    mt5.symbol_select("EURUSD.m")
    broker.hold("EURUSD.m", "1.09000")

    assert mt5.symbol_info_tick("EURUSD").bid == mt5.symbol_info_tick("EURUSD.m").bid == 1.09
    assert mt5.symbol_info("XAUUSD").trade_contract_size == 10 * mt5.symbol_info("XAUUSD.m").trade_contract_size


def test_candles_of_a_file_are_replayed(start_broker, tmp_path, package, monkeypatch):
    file = tmp_path / "eurusd.csv"
    file.write_text("0,1.2,1.3,1.1,1.25,10\n60000,1.25,1.35,1.15,1.3,10\n", encoding="utf-8")

    with start_broker(prices=[str(file)]) as broker:
        monkeypatch.setenv("METATRADER5_SIMULATOR_URL", broker.url)
        package.initialize()
        bids = []
        for _ in range(4):
            broker.pass_time(ms=250)
            bids.append(package.symbol_info_tick("EURUSD").bid)

    assert bids == [1.2, 1.1, 1.3, 1.25]
