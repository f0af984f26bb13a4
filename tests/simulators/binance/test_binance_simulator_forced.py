"""What the venue does by itself to open positions and orders: liquidation, deleveraging, settlement, calls, funding, expiry."""

from decimal import Decimal

import pytest
from binance_play_support import Play

HOUR = 3_600_000
EIGHT_HOURS = 8 * HOUR


@pytest.fixture
def play():
    """Noon UTC; BTC held at 95,200, XRP at 2.2; alice with 10,000 at 50x, whose events somebody hears."""
    play = Play()
    play.do("open", "alice", "10000")
    play.do("price", "BTCUSDT", "95200")
    play.do("price", "XRPUSDT", "2.2")
    for symbol in ("BTCUSDT", "XRPUSDT"):
        play.do("ask", "alice", "POST", "/fapi/v1/leverage", symbol=symbol, leverage=50)
    play.exchange.notices.watched = {"alice"}
    return play


def buy(play, quantity="1", symbol="BTCUSDT", **more):
    wish = {"symbol": symbol, "side": "BUY", "type": "MARKET", "quantity": quantity, **more}
    status, answer = play.do("ask", "alice", "POST", "/fapi/v1/order", **wish)
    assert status == 200, answer
    return answer


def isolate(play, symbol):
    play.do("ask", "alice", "POST", "/fapi/v1/marginType", symbol=symbol, marginType="ISOLATED")


def heard(play, kind=None):
    return [event for _, event in play.exchange.notices.drain() if kind in {None, event["e"]}]


def balance(play):
    return Decimal(play.ledger()["balances"][0]["balance"])


def incomes(play, kind):
    return [Decimal(row["amount"]) for row in play.ledger()["incomes"] if row["type"] == kind]


def held(play):
    return {row["symbol"]: Decimal(row["signed_quantity"]) for row in play.ledger()["positions"]}


def test_a_position_margin_no_longer_carries_is_sold_out_by_an_order_of_the_venue(play):
    buy(play)
    heard(play)

    play.do("price", "BTCUSDT", "85500")

    new, filled = (event["o"] for event in heard(play, "ORDER_TRADE_UPDATE"))
    assert held(play) == {}
    assert (new["x"], new["X"], filled["x"], filled["X"]) == ("NEW", "NEW", "CALCULATED", "FILLED")
    assert (filled["c"][:10], filled["o"], filled["S"], filled["f"]) == ("autoclose-", "LIQUIDATION", "SELL", "IOC")


def test_open_orders_are_cancelled_before_a_liquidation(play):
    buy(play)
    resting = play.do(
        "ask", "alice", "POST", "/fapi/v1/order",
        symbol="BTCUSDT", side="SELL", type="LIMIT", timeInForce="GTC", quantity="0.5", price="97000", reduceOnly="true",
    )[1]  # fmt: skip

    play.do("price", "BTCUSDT", "85500")

    statuses = {row["order_id"]: row["status"] for row in play.ledger()["orders"]}
    assert statuses[str(resting["orderId"])] == "CANCELED"


def test_a_liquidated_account_keeps_what_its_margin_left_less_the_clearance_fee(play):
    buy(play)

    play.do("price", "BTCUSDT", "85500")

    [fee] = incomes(play, "INSURANCE_CLEAR")
    fills = play.ledger()["fills"]
    lost = sum(Decimal(fill["realized"]) - Decimal(fill["fee"]) for fill in fills)
    assert balance(play) == 10_000 + lost + fee >= 0
    assert fee == -min(10_000 + lost, Decimal(85_500) * Decimal("0.0125"))


def test_a_loss_beyond_the_margin_is_borne_by_the_insurance_fund(play):
    buy(play)

    play.do("price", "BTCUSDT", "80000")

    [cover] = incomes(play, "INSURANCE_CLEAR")
    assert cover > 0
    assert balance(play) == 0


def test_an_isolated_position_falls_alone_and_costs_its_own_margin_only(play):
    isolate(play, "XRPUSDT")
    buy(play, "10000", "XRPUSDT")
    buy(play, "0.1")
    margin = Decimal(play.ask("alice", "GET", "/fapi/v2/positionRisk", symbol="XRPUSDT")[0]["isolatedWallet"])
    before = balance(play)

    play.do("price", "XRPUSDT", "1.9")

    assert held(play) == {"BTCUSDT": Decimal("0.1")}
    assert balance(play) == before - margin


def test_margin_getting_thin_is_called_once_and_again_after_recovery(play):
    buy(play)

    calls = []
    for price in ("86000", "85650", "85640", "95200", "85650"):
        play.do("price", "BTCUSDT", price)
        calls.append(heard(play, "MARGIN_CALL"))

    assert [len(each) for each in calls] == [0, 1, 0, 0, 1]
    [row] = calls[1][0]["p"]
    assert (row["s"], row["ps"], row["pa"], row["mt"], row["mp"]) == ("BTCUSDT", "BOTH", "1", "CROSSED", "85650")
    assert held(play) == {"BTCUSDT": Decimal(1)}


def test_the_liquidation_happens_where_the_told_liquidation_price_is(play):
    buy(play)
    told = Decimal(play.ask("alice", "GET", "/fapi/v3/positionRisk")[0]["liquidationPrice"])

    play.do("price", "BTCUSDT", f"{told // Decimal('0.1') * Decimal('0.1') + Decimal('0.1'):f}")
    before = held(play)
    play.do("price", "BTCUSDT", f"{told // Decimal('0.1') * Decimal('0.1') - Decimal('0.1'):f}")

    assert (before, held(play)) == ({"BTCUSDT": Decimal(1)}, {})


def test_a_deleveraged_position_closes_in_part_at_mark_without_a_fee(play):
    buy(play)
    heard(play)

    play.do("deleverage", "alice", "0.4")

    fill = play.ledger()["fills"][-1]
    update = heard(play, "ORDER_TRADE_UPDATE")[-1]["o"]
    assert (fill["quantity"], fill["price"], fill["fee"]) == ("0.4", "95200", "0")
    assert (update["c"], update["x"], update["ps"]) == ("adl_autoclose", "CALCULATED", "BOTH")
    assert held(play) == {"BTCUSDT": Decimal("0.6")}


def test_a_settled_symbol_closes_for_everybody_at_its_index_price(play):
    buy(play, "0.1")
    buy(play, "100", "XRPUSDT")
    play.do("price", "BTCUSDT", "95200", mark="95500")
    heard(play)

    play.do("settle", "BTCUSDT")

    update = heard(play, "ORDER_TRADE_UPDATE")[-1]["o"]
    assert held(play) == {"XRPUSDT": Decimal(100)}
    assert play.ledger()["fills"][-1]["price"] == "95500"
    assert (update["c"].startswith("settlement_autoclose-"), update["x"]) == (True, "CALCULATED")


def test_forced_orders_are_told_by_kind(play):
    buy(play)
    play.do("deleverage", "alice", "0.1")
    play.do("price", "BTCUSDT", "84000")

    def kinds(**wish):
        rows = play.ask("alice", "GET", "/fapi/v1/forceOrders", **wish)
        return [row["clientOrderId"][:10] for row in rows]

    assert kinds() == ["adl_autocl", "autoclose-"]
    assert kinds(autoCloseType="ADL", symbol="BTCUSDT") == ["adl_autocl"]
    assert kinds(autoCloseType="LIQUIDATION") == ["autoclose-"]
    assert kinds(symbol="XRPUSDT") == []


def test_longs_pay_shorts_at_the_venues_hours(play):
    play.do("open", "short", "10000")
    buy(play)
    play.do("ask", "short", "POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="1")
    before = balance(play)

    play.do("advance", 4 * HOUR - 1)
    early = incomes(play, "FUNDING_FEE")
    play.do("advance", 1)

    paid, received = incomes(play, "FUNDING_FEE")
    assert early == []
    assert (paid, received) == (Decimal("-9.52"), Decimal("9.52"))
    assert balance(play) == before + paid


@pytest.mark.parametrize(
    ("symbol", "quantity", "times"), [("BTCUSDT", "0.1", 3), ("POLUSDT", "100", 6), ("XRPUSDT", "100", 24)]
)
def test_each_symbol_has_its_own_interval(play, symbol, quantity, times):
    buy(play, quantity, symbol)

    play.do("advance", 24 * HOUR)

    assert len(incomes(play, "FUNDING_FEE")) == times
    told = {row["symbol"]: row["fundingIntervalHours"] for row in play.ask(None, "GET", "/fapi/v1/fundingInfo")}
    assert told.get(symbol, 8) == 24 // times
    rates = play.ask(None, "GET", "/fapi/v1/fundingRate", symbol=symbol, limit=times)
    assert [row["fundingTime"] % HOUR for row in rates] == [0] * times


@pytest.mark.parametrize(("isolated", "positions"), [(False, 0), (True, 1)])
def test_a_funding_event_shows_the_position_only_if_it_is_isolated(play, isolated, positions):
    if isolated:
        isolate(play, "XRPUSDT")
    buy(play, "1000", "XRPUSDT")
    heard(play)

    play.do("advance", HOUR)

    [event] = heard(play, "ACCOUNT_UPDATE")
    assert (event["a"]["m"], event["a"]["B"][0]["bc"], len(event["a"]["P"])) == ("FUNDING_FEE", "-0.22", positions)


def test_a_good_till_date_order_expires_in_its_second(play):
    till = play.now_ms + 700_500
    order = buy(play, type="LIMIT", timeInForce="GTD", price="94000", goodTillDate=till)
    heard(play)

    def status():
        return play.ask("alice", "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=order["orderId"])["status"]

    play.do("advance", 699_999)
    before = status()
    play.do("advance", 1)

    [event] = heard(play, "ORDER_TRADE_UPDATE")
    assert (before, status()) == ("NEW", "EXPIRED")
    assert (event["o"]["x"], event["o"]["gtd"], event["E"]) == ("EXPIRED", till // 1_000 * 1_000, till // 1_000 * 1_000)


def test_a_good_till_date_holds_for_conditional_orders_too(play):
    wish = {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "STOP",
        "quantity": "0.01",
        "price": "97000",
    }
    till = play.now_ms + 700_000
    _, algo = play.do(
        "ask", "alice", "POST", "/fapi/v1/algoOrder", **wish, triggerPrice="96000", timeInForce="GTD", goodTillDate=till
    )

    play.do("advance", 700_000)

    assert play.ask("alice", "GET", "/fapi/v1/algoOrder", algoId=algo["algoId"])["algoStatus"] == "EXPIRED"


def test_old_orders_are_forgotten_by_queries_but_not_by_the_ledger(play):
    cancelled = buy(play, type="LIMIT", timeInForce="GTC", price="94000", quantity="0.01")
    play.do("ask", "alice", "DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=cancelled["orderId"])
    filled = buy(play, "0.01")

    def known():
        rows = play.ask("alice", "GET", "/fapi/v1/allOrders", symbol="BTCUSDT")
        return [row["orderId"] for row in rows]

    at_once = known()
    play.do("advance", 3 * 24 * HOUR)
    after_three_days = known()
    play.do("advance", 87 * 24 * HOUR)

    assert (at_once, after_three_days, known()) == ([cancelled["orderId"], filled["orderId"]], [filled["orderId"]], [])
    assert len(play.ledger()["orders"]) == 2
