"""Market orders on hedging and netting accounts: what opens, adds, reduces, closes and turns, and the deals they leave."""

import pytest
from mt5_simulator_support import market, opened


def deals_of(mt5, identifier):
    return [(each.entry, each.type, each.volume) for each in mt5.history_deals_get(position=identifier)]


def test_a_market_order_opens_a_position_with_the_orders_ticket(mt5):
    done = market(mt5, mt5.ORDER_TYPE_BUY, 0.1, sl=1.08, tp=1.09, magic=77, comment="mine")

    assert (done.retcode, done.comment) == (10009, "Request executed")
    assert (done.volume, done.price, done.bid, done.ask) == (0.1, 1.08501, 1.085, 1.08501)
    (held,) = mt5.positions_get()
    assert held.ticket == held.identifier == done.order
    assert (held.type, held.volume, held.price_open, held.sl, held.tp) == (0, 0.1, 1.08501, 1.08, 1.09)
    assert (held.magic, held.comment, held.reason) == (77, "mine", mt5.POSITION_REASON_EXPERT)
    assert held.time_msc // 1_000 == held.time
    (deal,) = mt5.history_deals_get(position=held.identifier)
    assert (deal.ticket, deal.order, deal.entry) == (done.deal, done.order, mt5.DEAL_ENTRY_IN)
    (order,) = mt5.history_orders_get(ticket=done.order)
    assert (order.state, order.position_id) == (mt5.ORDER_STATE_FILLED, held.identifier)
    assert mt5.orders_get() == ()


def test_without_position_a_hedging_account_opens_the_opposite(mt5):
    opened(mt5, mt5.ORDER_TYPE_BUY)
    opened(mt5, mt5.ORDER_TYPE_SELL)

    assert sorted(each.type for each in mt5.positions_get(symbol="EURUSD")) == [0, 1]
    assert mt5.positions_total() == 2


def test_a_partial_close_keeps_ticket_and_identifier(mt5, broker):
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY, 0.3)
    broker.hold("EURUSD", "1.08601")

    done = market(mt5, mt5.ORDER_TYPE_SELL, 0.1, position=ticket)

    assert done.retcode == mt5.TRADE_RETCODE_DONE
    (held,) = mt5.positions_get(ticket=ticket)
    assert (held.identifier, held.volume) == (ticket, pytest.approx(0.2))
    assert deals_of(mt5, ticket) == [(0, 0, 0.3), (1, 1, 0.1)]
    assert mt5.history_deals_get(position=ticket)[-1].profit == 10.0
    assert mt5.account_info().balance == 10_010.0
    assert mt5.account_info().profit == 20.0


def test_a_full_close_makes_the_position_disappear(mt5):
    ticket = opened(mt5, mt5.ORDER_TYPE_SELL, 0.3)

    assert market(mt5, mt5.ORDER_TYPE_BUY, 0.3, position=ticket).retcode == mt5.TRADE_RETCODE_DONE

    assert mt5.positions_get() == ()
    assert deals_of(mt5, ticket) == [(0, 1, 0.3), (1, 0, 0.3)]


def test_a_close_that_does_not_fit_is_refused_by_its_code(mt5):
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY, 0.3)

    def close(**rest):
        return market(mt5, mt5.ORDER_TYPE_SELL, **({"position": ticket, "volume": 0.3} | rest)).retcode

    assert close(volume=0.4) == mt5.TRADE_RETCODE_INVALID_CLOSE_VOLUME
    assert close(volume=0.105) == mt5.TRADE_RETCODE_INVALID_VOLUME
    assert close(type=mt5.ORDER_TYPE_BUY) == mt5.TRADE_RETCODE_INVALID
    assert close(symbol="GBPUSD") == mt5.TRADE_RETCODE_INVALID
    assert close(position=999) == mt5.TRADE_RETCODE_INVALID
    assert close() == mt5.TRADE_RETCODE_DONE
    assert close() == mt5.TRADE_RETCODE_POSITION_CLOSED


def test_close_by_leaves_the_rest_of_the_larger_and_two_deals(mt5, broker):
    long = opened(mt5, mt5.ORDER_TYPE_BUY, 0.3)
    broker.hold("EURUSD", "1.08601")
    short = opened(mt5, mt5.ORDER_TYPE_SELL, 0.1)

    done = mt5.order_send({"action": mt5.TRADE_ACTION_CLOSE_BY, "position": long, "position_by": short})

    assert done.retcode == mt5.TRADE_RETCODE_DONE
    (held,) = mt5.positions_get()
    assert (held.ticket, held.volume) == (long, pytest.approx(0.2))
    assert deals_of(mt5, long)[-1] == (mt5.DEAL_ENTRY_OUT_BY, 1, 0.1)
    assert deals_of(mt5, short)[-1] == (mt5.DEAL_ENTRY_OUT_BY, 0, 0.1)
    assert mt5.history_orders_get(ticket=done.order)[0].type == mt5.ORDER_TYPE_CLOSE_BY
    assert mt5.account_info().balance == 10_010.0


def test_levels_change_without_a_deal_and_what_is_left_out_is_removed(mt5, broker):
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY, sl=1.08, tp=1.09)
    before = len(mt5.history_deals_get(0, 2**31))
    broker.pass_time(seconds=1)
    request = {"action": mt5.TRADE_ACTION_SLTP, "position": ticket, "symbol": "EURUSD", "sl": 1.081}

    assert mt5.order_send(request).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.order_send(request).retcode == mt5.TRADE_RETCODE_NO_CHANGES
    assert mt5.order_send(request | {"sl": 1.0851}).retcode == mt5.TRADE_RETCODE_INVALID_STOPS
    assert mt5.order_send(request | {"position": 5}).retcode == mt5.TRADE_RETCODE_INVALID

    (held,) = mt5.positions_get()
    assert (held.sl, held.tp) == (1.081, 0.0)
    assert held.time_update_msc > held.time_msc
    assert len(mt5.history_deals_get(0, 2**31)) == before


@pytest.mark.parametrize(
    ("side", "level", "price", "reason"),
    [
        ("BUY", {"sl": 1.084}, "1.08390", 4),
        ("BUY", {"tp": 1.086}, "1.08610", 5),
        ("SELL", {"sl": 1.086}, "1.08610", 4),
        ("SELL", {"tp": 1.084}, "1.08390", 5),
    ],
)
def test_a_level_that_is_reached_closes_at_the_market(mt5, broker, side, level, price, reason):
    ticket = opened(mt5, getattr(mt5, f"ORDER_TYPE_{side}"), **level)

    broker.hold("EURUSD", price)

    assert mt5.positions_get() == ()
    closing = mt5.history_deals_get(position=ticket)[-1]
    assert (closing.entry, closing.reason) == (mt5.DEAL_ENTRY_OUT, reason)
    assert closing.price == pytest.approx(float(price) + (0.00001 if side == "SELL" else 0), abs=1e-9)
    assert closing.comment.startswith("[sl" if reason == 4 else "[tp")


def test_netting_adds_at_the_weighted_average(netting, broker):
    mt5 = netting
    first = opened(mt5, mt5.ORDER_TYPE_BUY, 0.1)
    broker.hold("EURUSD", "1.08800")

    opened(mt5, mt5.ORDER_TYPE_BUY, 0.2)

    (held,) = mt5.positions_get()
    assert (held.ticket, held.identifier, held.volume) == (first, first, pytest.approx(0.3))
    assert held.price_open == pytest.approx((1.08501 + 2 * 1.08801) / 3)
    assert deals_of(mt5, first) == [(0, 0, 0.1), (0, 0, 0.2)]


def test_netting_reduces_then_closes_without_naming_the_position(netting):
    mt5 = netting
    first = opened(mt5, mt5.ORDER_TYPE_BUY, 0.3)

    market(mt5, mt5.ORDER_TYPE_SELL, 0.1)
    assert mt5.positions_get()[0].volume == pytest.approx(0.2)
    market(mt5, mt5.ORDER_TYPE_SELL, 0.2)

    assert mt5.positions_get() == ()
    assert [entry for entry, _, _ in deals_of(mt5, first)] == [0, 1, 1]


def test_a_netting_reversal_is_one_inout_deal_and_takes_the_new_ticket(netting, broker):
    mt5 = netting
    first = opened(mt5, mt5.ORDER_TYPE_BUY, 0.1)
    broker.hold("EURUSD", "1.08601")

    done = market(mt5, mt5.ORDER_TYPE_SELL, 0.3)

    (held,) = mt5.positions_get()
    assert (held.type, held.volume) == (mt5.POSITION_TYPE_SELL, pytest.approx(0.2))
    assert (held.ticket, held.identifier) == (done.order, first)
    assert held.price_open == 1.08601
    assert deals_of(mt5, first)[-1] == (mt5.DEAL_ENTRY_INOUT, 1, 0.3)
    assert mt5.account_info().balance == 10_010.0


def test_close_by_is_refused_on_a_netting_account(netting):
    ticket = opened(netting, netting.ORDER_TYPE_BUY)
    wish = {"action": netting.TRADE_ACTION_CLOSE_BY, "position": ticket, "position_by": ticket}

    assert netting.order_send(wish).retcode == netting.TRADE_RETCODE_INVALID


def test_buy_sell_and_close_are_the_package_own_shortcuts(mt5, broker):
    assert mt5.Buy("EURUSD", 0.1).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.Sell("EURUSD", 0.2, comment="second").retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.Buy("NOSUCH", 0.1) is None

    assert mt5.Close("EURUSD") is True

    assert mt5.positions_get() == ()
    assert mt5.Close("EURUSD") is False


def test_close_says_partially_when_one_position_stays(mt5, broker):
    mt5.Buy("EURUSD", 0.1)
    mt5.Buy("EURUSD", 0.1)
    broker.tell("faults", kind="reject", next_n=1)

    assert mt5.Close("EURUSD") == "Partially"
    assert mt5.positions_total() == 1
    assert mt5.Close("EURUSD", ticket=mt5.positions_get()[0].ticket) is True


def test_the_shortcuts_try_ten_times_on_requotes(mt5, broker):
    broker.tell("faults", kind="requote", next_n=9)
    assert mt5.Buy("EURUSD", 0.1).retcode == mt5.TRADE_RETCODE_DONE

    broker.tell("faults", kind="requote", next_n=10)
    assert mt5.Buy("EURUSD", 0.1).retcode == mt5.TRADE_RETCODE_REQUOTE
    assert mt5.positions_total() == 1
