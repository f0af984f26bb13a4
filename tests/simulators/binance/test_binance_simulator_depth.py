"""The book has a bottom: large orders pay worse prices, exhaust it, rest in part; nobody trades with himself."""

from decimal import Decimal

import pytest
from binance_play_support import Play

BUY = {"symbol": "BTCUSDT", "side": "BUY", "newOrderRespType": "RESULT"}
MARKET = {**BUY, "type": "MARKET"}
LIMIT = {**BUY, "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture
def play():
    """BTC held at 95,200; alice with 20 million."""
    play = Play()
    play.do("open", "alice", "20000000")
    play.do("price", "BTCUSDT", "95200")
    return play


def place(play, **wish):
    return play.do("ask", "alice", "POST", "/fapi/v1/order", **wish)[1]


def trades(play):
    return play.ask("alice", "GET", "/fapi/v1/userTrades", symbol="BTCUSDT")


def asks(play):
    return [
        [Decimal(each) for each in row] for row in play.ask(None, "GET", "/fapi/v1/depth", symbol="BTCUSDT")["asks"]
    ]


def test_a_small_order_fills_at_the_best_price_in_one_trade(play):
    place(play, **MARKET, quantity="5")

    [trade] = trades(play)
    assert (trade["price"], trade["qty"]) == ("95200.1", "5")


def test_a_large_market_order_eats_the_book_level_by_level_at_worse_prices(play):
    book = asks(play)

    answer = place(play, **MARKET, quantity="30")

    rows = [(Decimal(each["price"]), Decimal(each["qty"])) for each in trades(play)]
    assert rows[:-1] == [tuple(level) for level in book[: len(rows) - 1]]
    assert [price for price, _ in rows] == sorted({price for price, _ in rows})
    assert len(rows) > 3
    assert (answer["status"], sum(quantity for _, quantity in rows)) == ("FILLED", 30)
    average = sum(price * quantity for price, quantity in rows) / 30
    assert abs(Decimal(answer["avgPrice"]) - average) < Decimal("0.00000001")


def test_what_was_eaten_is_missing_until_the_markets_next_step(play):
    before = asks(play)
    place(play, **MARKET, quantity="5")

    eaten = asks(play)
    play.do("advance", 250)

    assert eaten[0][1] == before[0][1] - 5
    assert asks(play) == before


def test_a_market_order_beyond_the_book_fills_what_there_is_and_expires(play):
    whole = sum(quantity for _, quantity in asks(play))

    answer = place(play, **MARKET, quantity="120")

    assert (answer["status"], Decimal(answer["executedQty"])) == ("EXPIRED", whole)
    assert whole < 120
    assert play.ask("alice", "GET", "/fapi/v1/openOrders") == []


@pytest.mark.parametrize(("time_in_force", "status"), [("GTC", "PARTIALLY_FILLED"), ("IOC", "EXPIRED")])
def test_a_limit_takes_what_its_price_allows_and_the_rest_waits_or_expires(play, time_in_force, status):
    book = asks(play)
    price, within = book[2][0], sum(quantity for _, quantity in book[:3])

    answer = place(play, **{**LIMIT, "timeInForce": time_in_force}, quantity="100", price=f"{price:f}")

    assert (answer["status"], Decimal(answer["executedQty"])) == (status, within)


def test_fill_or_kill_wants_all_of_it_or_nothing(play):
    price = f"{asks(play)[2][0]:f}"

    refused = place(play, **{**LIMIT, "timeInForce": "FOK"}, quantity="100", price=price)
    taken = place(play, **{**LIMIT, "timeInForce": "FOK"}, quantity="10", price=price)

    assert (refused["code"], taken["status"]) == (-5021, "FILLED")


def test_a_large_resting_order_fills_by_and_by_as_maker(play):
    order = place(play, **LIMIT, quantity="50", price="95000")
    play.do("price", "BTCUSDT", "94999")

    executed = []
    for _ in range(4):
        found = play.ask("alice", "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=order["orderId"])
        executed.append((found["status"], found["executedQty"]))
        play.do("advance", 250)

    assert executed == [("PARTIALLY_FILLED", "20"), ("PARTIALLY_FILLED", "40"), ("FILLED", "50"), ("FILLED", "50")]
    assert {(trade["price"], trade["maker"]) for trade in trades(play)} == {("95000", True)}


def test_the_older_order_at_the_same_price_is_filled_first_and_a_changed_one_goes_last(play):
    first = place(play, **LIMIT, quantity="15", price="95000")["orderId"]
    second = place(play, **LIMIT, quantity="15", price="95000")["orderId"]
    change = {"symbol": "BTCUSDT", "side": "BUY", "orderId": first, "price": "95000", "quantity": "16"}
    play.do("ask", "alice", "PUT", "/fapi/v1/order", **change)

    play.do("price", "BTCUSDT", "95000")

    assert [(trade["orderId"], trade["qty"]) for trade in trades(play)] == [(second, "15"), (first, "5")]


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "FILLED"),
        ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NONE", "NEW", "FILLED"),
    ],
)
def test_an_account_does_not_trade_with_itself(play, mode, maker, taker):
    resting = place(play, **{**LIMIT, "side": "SELL"}, quantity="1", price="95200.1")

    answer = place(play, **MARKET, quantity="2", selfTradePreventionMode=mode)

    found = play.ask("alice", "GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=resting["orderId"])
    assert (found["status"], answer["status"]) == (maker, taker)


@pytest.mark.parametrize(
    ("wish", "rank", "side"),
    [("QUEUE", 0, "bids"), ("QUEUE_5", 4, "bids"), ("OPPONENT", 0, "asks"), ("OPPONENT_20", 19, "asks")],
)
def test_a_price_may_be_matched_to_the_book(play, wish, rank, side):
    book = play.ask(None, "GET", "/fapi/v1/depth", symbol="BTCUSDT")

    answer = place(play, **LIMIT, quantity="0.01", priceMatch=wish)

    assert (answer["price"], answer["priceMatch"]) == (book[side][rank][0], wish)


def test_a_thin_book_makes_small_orders_large(play):
    play.do("liquidity", "BTCUSDT", "0.002")

    answer = place(play, **MARKET, quantity="0.05")

    assert (answer["status"], len(trades(play)) > 1) == ("FILLED", True)


def test_the_book_is_made_of_seed_and_price_alone():
    def book(seed, price):
        play = Play(seed=seed)
        play.do("price", "BTCUSDT", price)
        return play.ask(None, "GET", "/fapi/v1/depth", symbol="BTCUSDT", limit=50)["bids"]

    assert book(1, "95200") == book(1, "95200")
    assert book(1, "95200") != book(2, "95200")
    assert [row[1] for row in book(1, "95200")] != [row[1] for row in book(1, "95300")]
