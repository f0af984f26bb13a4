"""Orders larger than the best level: several trades, a part, or nothing, as their time in force says."""

from decimal import Decimal

import pytest

from copydesk.simulators.binance.server import make_exchange, make_spot
from copydesk.simulators.binance.spot import clockwork, lists, trading
from copydesk.simulators.binance.spot.answers import placed
from copydesk.simulators.binance.spot.book import read_book
from copydesk.simulators.binance.spot.records import OrderRequest

NOW_MS = 1_700_000_000_000
BTC = {"symbol": "BTCUSDT", "side": "BUY"}


@pytest.fixture
def spot():
    """0.2 BTC at the best price, little behind it; alice can buy all of it."""
    spot = make_spot(make_exchange(seed=1, now_ms=NOW_MS), seed=1)
    spot.deposit("alice", {"USDT": Decimal(500_000), "BTC": Decimal(2)}, NOW_MS)
    spot.depth["BTCUSDT"].share = Decimal("0.01")
    return spot


@pytest.fixture
def alice(spot):
    return spot.wallet("alice", NOW_MS)


def request(**wish):
    return OrderRequest(**{**BTC, "type": "MARKET", "quantity": Decimal("0.21"), **wish})


def all_there_is(spot):
    return sum(level.quantity for level in spot.facing("BTCUSDT", "BUY"))


def move(spot, price):
    clockwork.put_price(spot, "BTCUSDT", Decimal(price), NOW_MS, hold=True)


def test_a_large_order_fills_in_several_trades_at_worse_and_worse_prices(spot, alice):
    order = trading.place(spot, alice, request(), NOW_MS)

    fills = placed(order, alice, "FULL", NOW_MS)["fills"]
    prices = [Decimal(fill["price"]) for fill in fills]
    assert (order.status, len(fills) > 1) == ("FILLED", True)
    assert prices == sorted(set(prices))
    assert sum(Decimal(fill["qty"]) for fill in fills) == Decimal("0.21")


def test_what_was_eaten_is_gone_from_the_book_until_the_next_step(spot, alice):
    before = read_book(spot, "BTCUSDT")
    trading.place(spot, alice, request(quantity=Decimal("0.2")), NOW_MS)
    eaten = read_book(spot, "BTCUSDT")
    clockwork.follow(spot, NOW_MS)

    assert list(eaten.asks) == list(before.asks)[1:]
    assert (eaten.bids, read_book(spot, "BTCUSDT")) == (before.bids, before)


def test_a_market_order_beyond_the_book_keeps_its_part_and_expires(spot, alice):
    there = all_there_is(spot)

    order = trading.place(spot, alice, request(quantity=there + 1), NOW_MS)

    assert (order.status, order.executed) == ("EXPIRED", there)
    assert alice.balance("USDT").locked == 0


def test_an_amount_of_money_walks_the_book_too(spot, alice):
    order = trading.place(spot, alice, request(quantity=Decimal(0), quote_quantity=Decimal(25_000)), NOW_MS)

    assert (order.status, len(alice.fills) > 1) == ("FILLED", True)
    assert 0 <= 25_000 - order.quote < Decimal("0.96")  # less than one more step


@pytest.mark.parametrize(
    ("time_in_force", "status", "takes"), [("FOK", "EXPIRED", False), ("IOC", "EXPIRED", True), ("GTC", "PARTIALLY_FILLED", True)]
)  # fmt: skip
def test_a_limit_that_reaches_only_a_part_does_as_its_time_in_force_says(spot, alice, time_in_force, status, takes):
    price = spot.best("BTCUSDT", "BUY")
    wish = {"type": "LIMIT", "price": price, "quantity": Decimal("0.5"), "time_in_force": time_in_force}

    order = trading.place(spot, alice, request(**wish), NOW_MS)

    assert (order.status, order.executed) == (status, Decimal("0.2") if takes else 0)
    assert alice.balance("USDT").locked == (order.remaining * price if order.is_open else 0)


def test_a_resting_limit_fills_by_and_by_and_can_be_cancelled_in_between(spot, alice):
    wish = {"type": "LIMIT", "price": Decimal(90_000), "quantity": Decimal("0.5")}
    order = trading.place(spot, alice, request(**wish), NOW_MS)
    executed = []
    for _ in range(2):
        move(spot, "90000")
        executed.append(order.executed)
    trading.cancel(spot, alice, order, NOW_MS, "away")

    assert executed == [Decimal("0.2"), Decimal("0.4")]
    assert (order.status, alice.balance("USDT").locked) == ("CANCELED", 0)
    assert alice.balance("USDT").total == 500_000 - Decimal("0.4") * 90_000


def test_the_first_part_of_one_order_of_a_list_ends_the_other(spot, alice):
    sell = {"side": "SELL", "quantity": Decimal(1)}
    maker = request(**sell, type="LIMIT_MAKER", price=Decimal(99_000))
    stop = request(**sell, type="STOP_LOSS", stop_price=Decimal(90_000))
    listed = lists.place(spot, alice, (maker, stop), None, NOW_MS)

    move(spot, "99000")

    statuses = [alice.orders[order_id].status for order_id in listed.order_ids]
    assert statuses == ["PARTIALLY_FILLED", "EXPIRED"]
    assert alice.balance("BTC").locked == Decimal("0.8")


def test_a_buying_list_keeps_bound_what_the_rest_of_its_first_order_will_cost(spot, alice):
    stop = request(type="STOP_LOSS", stop_price=Decimal(99_000), quantity=Decimal(1))
    maker = request(type="LIMIT_MAKER", price=Decimal(90_000), quantity=Decimal(1))
    lists.place(spot, alice, (stop, maker), None, NOW_MS)

    move(spot, "90000")

    funds = alice.balance("USDT")
    assert funds.locked == Decimal("0.8") * 90_000
    assert funds.free == 500_000 - 90_000
