"""Margin, profit, swaps, commission and stop-out; and that every cent of the balance stands in a deal."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mt5_simulator_support import MASTER, NETTING, market, opened


@pytest.mark.parametrize(
    ("symbol", "volume", "price", "margin"),
    [
        ("EURUSD", 1.0, 1.085, 1_085.0),
        ("USDJPY", 1.0, 150.0, 1_000.0),
        ("XAUUSD", 1.0, 2_650.0, 2_650.0),
        ("XAUUSD.m", 1.0, 2_650.0, 265.0),
        ("US500", 10.0, 5_900.0, 2_950.0),
        ("GER40.cash", 10.0, 19_300.0, 10_470.25),
    ],
)
def test_margin_follows_the_calculation_mode(mt5, symbol, volume, price, margin):
    assert mt5.order_calc_margin(mt5.ORDER_TYPE_BUY, symbol, volume, price) == margin


@pytest.mark.parametrize(
    ("symbol", "action", "opened_at", "closed_at", "profit"),
    [
        ("EURUSD", 0, 1.085, 1.086, 100.0),
        ("EURUSD", 1, 1.085, 1.086, -100.0),
        ("USDJPY", 0, 150.0, 151.5, 1_000.0),
        ("XAUUSD", 0, 2_650.0, 2_651.0, 100.0),
        ("XAUUSD.m", 0, 2_650.0, 2_651.0, 10.0),
        ("GER40.cash", 0, 19_300.0, 19_301.0, 1.08),
    ],
)
def test_profit_is_converted_to_the_deposit_currency(mt5, broker, symbol, action, opened_at, closed_at, profit):
    broker.hold("USDJPY", "150.000")

    assert mt5.order_calc_profit(action, symbol, 1.0, opened_at, closed_at) == profit


def test_calculations_refuse_what_makes_no_sense(mt5):
    assert mt5.order_calc_margin(5, "EURUSD", 1.0, 1.0) is None
    assert mt5.last_error() == (-2, "Terminal: Invalid params")
    assert mt5.order_calc_margin(0, "EURUSD", 1.0, 0.0) is None
    assert mt5.order_calc_profit(0, "NOSUCH", 1.0, 1.0, 1.0) is None
    assert mt5.last_error() == (-4, "Terminal: Not found")
    assert mt5.order_calc_margin(0, "EURUSD", "1", 1.0) is None
    assert mt5.last_error() == (-2, 'Invalid "volume" argument')


def test_margin_level_is_zero_while_nothing_is_bound(mt5):
    assert mt5.account_info().margin_level == 0.0

    opened(mt5, mt5.ORDER_TYPE_BUY, 1.0)

    account = mt5.account_info()
    assert account.margin == 1_085.0
    assert account.profit == -1.0
    assert account.equity == account.balance + account.profit
    assert account.margin_free == pytest.approx(account.equity - account.margin)
    assert account.margin_level == pytest.approx(account.equity / account.margin * 100, abs=0.01)


def test_a_hedge_binds_the_margin_of_its_larger_leg(mt5):
    opened(mt5, mt5.ORDER_TYPE_BUY, 1.0)
    alone = mt5.account_info().margin
    opened(mt5, mt5.ORDER_TYPE_SELL, 0.4)

    assert mt5.account_info().margin == alone


def test_stop_out_closes_the_largest_loss_first(mt5, broker):
    large = opened(mt5, mt5.ORDER_TYPE_BUY, 4.0)
    small = opened(mt5, mt5.ORDER_TYPE_BUY, 1.0)

    broker.hold("EURUSD", "1.07000")

    assert [each.ticket for each in mt5.positions_get()] == [small]
    closing = mt5.history_deals_get(position=large)[-1]
    assert closing.reason == mt5.DEAL_REASON_SO
    assert closing.comment.startswith("[so")


def test_swaps_are_charged_each_night_thrice_on_wednesday_never_at_weekends(mt5, broker):
    opened(mt5, mt5.ORDER_TYPE_BUY, 1.0)
    nights = []
    for _ in range(7):
        before = mt5.positions_get()[0].swap
        broker.pass_time(days=1)
        nights.append(round(mt5.positions_get()[0].swap - before, 2))

    assert nights == [-7.1, -7.1, -21.3, -7.1, -7.1, 0.0, 0.0]
    ticket = mt5.positions_get()[0].ticket
    market(mt5, mt5.ORDER_TYPE_SELL, 0.5, position=ticket)
    assert mt5.history_deals_get(position=ticket)[-1].swap == -24.85
    assert mt5.positions_get()[0].swap == -24.85


def test_commission_is_taken_by_every_deal(mt5, broker):
    broker.tell("accounts", login=1001, commission_per_lot="3.5")

    ticket = opened(mt5, mt5.ORDER_TYPE_BUY, 2.0)

    assert mt5.history_deals_get(position=ticket)[0].commission == -7.0
    assert mt5.account_info().balance == 9_993.0


STEP = st.tuples(
    st.sampled_from(["buy", "sell", "close", "price"]), st.integers(min_value=1, max_value=40), st.integers(0, 5)
)


@pytest.mark.parametrize("path", [MASTER, NETTING])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12))
def test_every_cent_of_the_balance_and_every_lot_stands_in_a_deal(mt5, broker, path, steps):
    mt5.initialize(path)
    for kind, size, choice in steps:
        held = mt5.positions_get()
        if kind == "price":
            broker.hold("EURUSD", f"{1.07 + size / 1_000:.5f}")
        elif kind == "close" and held:
            each = held[choice % len(held)]
            market(mt5, 1 - each.type, each.volume, position=each.ticket)
        else:
            market(mt5, int(kind == "sell"), size / 100)

    deals = mt5.history_deals_get(0, 2**31)
    booked = sum(each.profit + each.swap + each.commission + each.fee for each in deals)
    assert mt5.account_info().balance == pytest.approx(booked, abs=0.001)
    signed = sum(each.volume * (1 if each.type == 0 else -1) for each in deals if each.symbol)
    held = sum(each.volume * (1 if each.type == 0 else -1) for each in mt5.positions_get())
    assert signed == pytest.approx(held, abs=1e-9)
    account = mt5.account_info()
    assert account.equity == pytest.approx(account.balance + account.profit, abs=0.001)
