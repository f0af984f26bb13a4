"""Orders that wait: placing, changing, removing, triggering and expiring."""

import pytest
from mt5_simulator_support import opened


def pend(mt5, order_type, price, volume=0.1, **rest):
    request = {
        "action": mt5.TRADE_ACTION_PENDING,
        "symbol": "EURUSD",
        "volume": volume,
        "type": order_type,
        "price": price,
        "type_filling": mt5.ORDER_FILLING_RETURN,
    }
    return mt5.order_send(request | rest)


@pytest.mark.parametrize(
    ("kind", "price", "reached", "filled"),
    [
        ("BUY_LIMIT", 1.084, "1.08390", 1.08391),
        ("SELL_LIMIT", 1.086, "1.08610", 1.0861),
        ("BUY_STOP", 1.086, "1.08610", 1.08611),
        ("SELL_STOP", 1.084, "1.08390", 1.0839),
    ],
)
def test_a_waiting_order_becomes_a_position_of_its_own_ticket(mt5, broker, kind, price, reached, filled):
    placed = pend(mt5, getattr(mt5, f"ORDER_TYPE_{kind}"), price, magic=5, sl=0.0, comment="wait")
    assert placed.retcode == mt5.TRADE_RETCODE_DONE
    (waiting,) = mt5.orders_get()
    assert (waiting.ticket, waiting.state, waiting.price_open) == (placed.order, mt5.ORDER_STATE_PLACED, price)
    assert mt5.history_orders_get(ticket=placed.order) == ()

    broker.hold("EURUSD", reached)

    assert mt5.orders_get() == ()
    (held,) = mt5.positions_get()
    assert held.ticket == held.identifier == placed.order
    assert (held.price_open, held.magic, held.comment) == (filled, 5, "wait")
    assert mt5.history_orders_get(ticket=placed.order)[0].state == mt5.ORDER_STATE_FILLED


def test_book_or_cancel_needs_a_symbol_that_takes_it(mt5, broker):
    boc = {"type_filling": mt5.ORDER_FILLING_BOC}
    assert pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.084, **boc).retcode == mt5.TRADE_RETCODE_INVALID_FILL

    broker.tell("symbols", symbol="EURUSD", filling_flags=7)
    assert pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.084, **boc).retcode == mt5.TRADE_RETCODE_DONE


@pytest.mark.parametrize(
    ("kind", "price"),
    [("BUY_LIMIT", 1.086), ("SELL_LIMIT", 1.084), ("BUY_STOP", 1.084), ("SELL_STOP", 1.086), ("BUY_LIMIT", 0.0)],
)
def test_a_price_on_the_wrong_side_of_the_market_is_refused(mt5, kind, price):
    assert pend(mt5, getattr(mt5, f"ORDER_TYPE_{kind}"), price).retcode == mt5.TRADE_RETCODE_INVALID_PRICE
    assert mt5.orders_total() == 0


def test_a_stop_limit_becomes_a_limit_and_then_a_position(mt5, broker):
    placed = pend(mt5, mt5.ORDER_TYPE_BUY_STOP_LIMIT, 1.087, stoplimit=1.086)
    assert placed.retcode == mt5.TRADE_RETCODE_DONE

    broker.hold("EURUSD", "1.08710")
    (armed,) = mt5.orders_get()
    assert (armed.type, armed.price_open) == (mt5.ORDER_TYPE_BUY_LIMIT, 1.086)
    broker.hold("EURUSD", "1.08590")

    assert mt5.positions_get()[0].ticket == placed.order
    wrong = pend(mt5, mt5.ORDER_TYPE_BUY_STOP_LIMIT, 1.087, stoplimit=1.088)
    assert wrong.retcode == mt5.TRADE_RETCODE_INVALID_PRICE


def test_a_waiting_order_is_changed_and_removed(mt5):
    ticket = pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.084, sl=1.08).order
    change = {"action": mt5.TRADE_ACTION_MODIFY, "order": ticket, "symbol": "EURUSD", "price": 1.083, "tp": 1.09}

    assert mt5.order_check(change).retcode == 0
    assert mt5.order_check(change | {"price": 1.09}).retcode == mt5.TRADE_RETCODE_INVALID_PRICE
    assert mt5.order_send(change).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.order_send(change).retcode == mt5.TRADE_RETCODE_NO_CHANGES
    assert mt5.order_send(change | {"price": 1.09}).retcode == mt5.TRADE_RETCODE_INVALID_PRICE
    assert mt5.order_send(change | {"sl": 1.084}).retcode == mt5.TRADE_RETCODE_INVALID_STOPS
    (waiting,) = mt5.orders_get(ticket=ticket)
    assert (waiting.price_open, waiting.sl, waiting.tp) == (1.083, 0.0, 1.09)

    remove = {"action": mt5.TRADE_ACTION_REMOVE, "order": ticket}
    assert mt5.order_send(remove).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.order_send(remove).retcode == mt5.TRADE_RETCODE_INVALID_ORDER
    assert mt5.order_send({"action": mt5.TRADE_ACTION_REMOVE, "order": 3}).retcode == mt5.TRADE_RETCODE_INVALID
    assert mt5.history_orders_get(ticket=ticket)[0].state == mt5.ORDER_STATE_CANCELED


def test_orders_expire_at_their_time_and_at_the_end_of_the_day(mt5, broker):
    soon = mt5.symbol_info_tick("EURUSD").time + 3_600
    timed = pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.08, type_time=mt5.ORDER_TIME_SPECIFIED, expiration=soon)
    today = pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.08, type_time=mt5.ORDER_TIME_DAY)
    for_ever = pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.08)
    past = pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.08, type_time=mt5.ORDER_TIME_SPECIFIED, expiration=5)
    assert past.retcode == mt5.TRADE_RETCODE_INVALID_EXPIRATION

    broker.pass_time(hours=2)
    assert mt5.history_orders_get(ticket=timed.order)[0].state == mt5.ORDER_STATE_EXPIRED
    assert {each.ticket for each in mt5.orders_get()} == {today.order, for_ever.order}
    broker.pass_time(hours=23)

    assert [each.ticket for each in mt5.orders_get()] == [for_ever.order]


def test_a_triggered_order_that_nobody_can_pay_is_rejected(mt5, broker):
    ticket = pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.084, volume=50.0).order

    broker.hold("EURUSD", "1.08300")

    assert mt5.positions_get() == ()
    assert mt5.history_orders_get(ticket=ticket)[0].state == mt5.ORDER_STATE_REJECTED


def test_on_netting_a_triggered_order_works_against_the_position(netting, broker):
    mt5 = netting
    first = opened(mt5, mt5.ORDER_TYPE_BUY, 0.1)
    pend(mt5, mt5.ORDER_TYPE_SELL_LIMIT, 1.086)

    broker.hold("EURUSD", "1.08700")

    assert mt5.positions_get() == ()
    assert mt5.history_deals_get(position=first)[-1].entry == mt5.DEAL_ENTRY_OUT


def test_the_number_of_waiting_orders_is_limited(mt5):
    for _ in range(mt5.account_info().limit_orders):
        assert pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.08, volume=0.01).retcode == mt5.TRADE_RETCODE_DONE

    assert pend(mt5, mt5.ORDER_TYPE_BUY_LIMIT, 1.08).retcode == mt5.TRADE_RETCODE_LIMIT_ORDERS
