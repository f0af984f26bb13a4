"""What the server refuses, each with its code, and that nothing exists afterwards."""

import pytest
from mt5_simulator_support import market, opened, running_broker


@pytest.mark.parametrize("volume", [0.0, 0.001, 0.015, 100.01, -0.1, float("nan"), float("inf")])
def test_a_volume_off_the_grid_is_refused(mt5, volume):
    expected = mt5.TRADE_RETCODE_INVALID_VOLUME if abs(volume) < 1e9 else mt5.TRADE_RETCODE_INVALID

    assert market(mt5, mt5.ORDER_TYPE_BUY, volume).retcode == expected
    assert mt5.positions_total() == 0


def test_a_binary_fraction_on_the_grid_is_accepted(mt5):
    assert market(mt5, mt5.ORDER_TYPE_BUY, 0.1 + 0.2).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.positions_get()[0].volume == 0.3


@pytest.mark.parametrize(
    ("symbol", "fok", "ioc", "rest"),
    [
        ("EURUSD", True, True, False),
        ("GBPUSD", False, True, False),
        ("USDJPY", True, False, False),
        ("EURUSD.m", True, True, False),
        ("XAUUSD.m", True, False, False),
        ("US500", False, True, True),
    ],
)
def test_the_filling_mode_must_suit_the_symbol(mt5, symbol, fok, ioc, rest):
    mt5.symbol_select(symbol)
    mask = mt5.symbol_info(symbol).filling_mode
    execution = mt5.symbol_info(symbol).trade_exemode

    answers = [market(mt5, mt5.ORDER_TYPE_BUY, 0.1, symbol, type_filling=mode).retcode for mode in range(4)]

    wanted = [fok, ioc, rest, False]
    assert answers == [10009 if good else mt5.TRADE_RETCODE_INVALID_FILL for good in wanted]
    assert bool(mask & 2) == ioc
    assert bool(mask & 1) == fok or execution == mt5.SYMBOL_TRADE_EXECUTION_INSTANT


@pytest.mark.parametrize(
    ("side", "levels"),
    [
        ("BUY", {"sl": 1.0851}),
        ("BUY", {"tp": 1.0849}),
        ("SELL", {"sl": 1.0849}),
        ("SELL", {"tp": 1.0851}),
        ("BUY", {"sl": -1.0}),
    ],
)
def test_levels_on_the_wrong_side_are_refused(mt5, side, levels):
    done = market(mt5, getattr(mt5, f"ORDER_TYPE_{side}"), **levels)

    assert done.retcode == mt5.TRADE_RETCODE_INVALID_STOPS
    assert mt5.positions_get() == ()


def test_levels_keep_their_distance_and_near_ones_freeze(mt5, broker):
    broker.tell("symbols", symbol="EURUSD", stops_level=50, freeze_level=30)

    near = market(mt5, mt5.ORDER_TYPE_BUY, sl=1.0846)
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY, sl=1.0845)
    broker.hold("EURUSD", "1.08470")

    assert near.retcode == mt5.TRADE_RETCODE_INVALID_STOPS
    change = {"action": mt5.TRADE_ACTION_SLTP, "position": ticket, "symbol": "EURUSD", "sl": 1.083}
    assert mt5.order_send(change).retcode == mt5.TRADE_RETCODE_FROZEN
    assert market(mt5, mt5.ORDER_TYPE_SELL, position=ticket).retcode == mt5.TRADE_RETCODE_FROZEN


def test_instant_execution_requotes_beyond_the_deviation_and_market_ignores_it(mt5, broker):
    mt5.symbol_select("EURUSD.m")

    stale = {"price": 1.084, "deviation": 10}
    assert market(mt5, mt5.ORDER_TYPE_BUY, 0.1, "EURUSD.m", **stale).retcode == mt5.TRADE_RETCODE_REQUOTE
    assert market(mt5, mt5.ORDER_TYPE_BUY, 0.1, "EURUSD.m", price=0.0).retcode == mt5.TRADE_RETCODE_INVALID_PRICE
    near = {"price": 1.085, "deviation": 10}
    assert market(mt5, mt5.ORDER_TYPE_BUY, 0.1, "EURUSD.m", **near).retcode == mt5.TRADE_RETCODE_DONE
    assert market(mt5, mt5.ORDER_TYPE_BUY, 0.1, "EURUSD", **stale).retcode == mt5.TRADE_RETCODE_DONE


def test_what_the_account_cannot_pay_is_refused(mt5):
    check = mt5.order_check({"action": 1, "symbol": "EURUSD", "volume": 10.0, "type": 0, "type_filling": 1})

    assert market(mt5, mt5.ORDER_TYPE_BUY, 10.0).retcode == mt5.TRADE_RETCODE_NO_MONEY
    assert (check.retcode, check.comment) == (mt5.TRADE_RETCODE_NO_MONEY, "No money")


def test_order_check_says_done_with_retcode_zero_and_opens_nothing(mt5):
    request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}

    check = mt5.order_check(request)

    assert (check.retcode, check.comment, check.balance) == (0, "Done", 10_000.0)
    assert check.margin == pytest.approx(mt5.order_calc_margin(0, "EURUSD", 0.1, 1.08501))
    assert check.margin_free == pytest.approx(10_000 - check.margin)
    assert check.request.volume == 0.1
    assert mt5.positions_total() == 0


@pytest.mark.parametrize(
    ("mode", "buy", "sell"),
    [
        ("disabled", 10017, 10017),
        ("long_only", 10009, 10042),
        ("short_only", 10043, 10009),
        ("close_only", 10044, 10044),
    ],
)
def test_the_trade_mode_of_a_symbol_decides_what_may_open(mt5, broker, mode, buy, sell):
    broker.tell("symbols", symbol="EURUSD", trade_mode=mode)

    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == buy
    assert market(mt5, mt5.ORDER_TYPE_SELL).retcode == sell


def test_close_only_still_closes_a_position(mt5, broker):
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY)
    broker.tell("symbols", symbol="EURUSD", trade_mode="close_only")

    assert market(mt5, mt5.ORDER_TYPE_SELL, position=ticket).retcode == mt5.TRADE_RETCODE_DONE


def test_a_closed_market_takes_nothing_until_it_opens(mt5, broker):
    broker.tell("symbols", symbol="EURUSD", open=False)
    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == mt5.TRADE_RETCODE_MARKET_CLOSED

    broker.tell("symbols", symbol="EURUSD", open=None)
    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == mt5.TRADE_RETCODE_DONE


def test_sessions_close_gold_at_night_and_everything_at_the_weekend(package, monkeypatch):
    with running_broker(sessions=True) as broker:
        monkeypatch.setenv("METATRADER5_SIMULATOR_URL", broker.url)
        assert package.initialize()
        at_night = market(package, 0, 0.01, "XAUUSD").retcode, market(package, 0, 0.01).retcode
        broker.pass_time(hours=2)
        by_day = market(package, 0, 0.01, "XAUUSD").retcode
        broker.pass_time(days=5)
        before = package.symbol_info_tick("EURUSD")
        at_weekend = market(package, 0, 0.01).retcode
        broker.pass_time(hours=5)

        assert at_night == (package.TRADE_RETCODE_MARKET_CLOSED, package.TRADE_RETCODE_DONE)
        assert by_day == package.TRADE_RETCODE_DONE
        assert at_weekend == package.TRADE_RETCODE_MARKET_CLOSED
        assert package.symbol_info_tick("EURUSD") == before, "the server's time stands still without ticks"


def test_ioc_takes_what_is_there_and_fok_all_or_nothing(mt5, broker):
    broker.tell("accounts", login=1001, balance="10000000")

    whole = market(mt5, mt5.ORDER_TYPE_BUY, 80.0, type_filling=mt5.ORDER_FILLING_FOK)
    part = market(mt5, mt5.ORDER_TYPE_BUY, 80.0)

    assert whole.retcode == mt5.TRADE_RETCODE_REJECT
    assert (part.retcode, part.volume) == (mt5.TRADE_RETCODE_DONE_PARTIAL, 50.0)
    assert mt5.positions_get()[0].volume == 50.0
    order = mt5.history_orders_get(ticket=part.order)[0]
    assert (order.volume_initial, order.volume_current) == (80.0, 30.0)


def test_an_unknown_action_type_or_symbol_is_invalid(mt5):
    assert mt5.order_send({"action": 99}).retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.order_send({"action": 5, "type": 0, "symbol": "EURUSD"}).retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.order_send({"action": 1, "type": 6, "symbol": "EURUSD"}).retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.order_send({"action": 1, "type": 0, "symbol": "NOSUCH"}).retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.order_send({"action": 1, "type": 0, "type_filling": 9, "symbol": "EURUSD"}).retcode == 10030


def test_the_number_of_positions_is_limited(mt5):
    for _ in range(200):
        opened(mt5, mt5.ORDER_TYPE_BUY, 0.01)

    assert market(mt5, mt5.ORDER_TYPE_BUY, 0.01).retcode == mt5.TRADE_RETCODE_LIMIT_POSITIONS
