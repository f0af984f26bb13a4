"""Binance's lists of orders: wholly read or not at all, and a conditional order only once."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from copydesk.domain.errors import OutcomeUnknown
from copydesk.domain.order import OrderStatus
from copydesk.domain.subscription import Environment
from copydesk.venues.binance.session import BinanceSession

SINCE = datetime(2026, 11, 27, tzinfo=UTC)


class Told:
    """A transport that answers from lists, as the venue pages them; `answers` stand in for a path's pages."""

    def __init__(self, *, orders=(), algos=(), single=None, **answers):
        self.rows = {"allOrders": list(orders), "allAlgoOrders": list(algos)}
        self.single = single
        self.answers = answers
        self.asked = []

    async def signed(self, credentials, method, path, params, api):
        self.asked.append((path, params))
        if path in self.answers:
            return self.answers[path]
        if path == "order":
            return self.single
        name = "orderId" if path == "allOrders" else "algoId"
        first = params.get(name, 0)
        assert ("startTime" in params) != (name in params)
        return [row for row in self.rows[path] if row[name] >= first][: params["limit"]]


def session(told):
    return BinanceSession(told, Environment.SIMULATOR, {})


def order(number, client_id=None, **changes):
    shown = {
        "orderId": number,
        "clientOrderId": client_id or f"cd-{number}",
        "status": "FILLED",
        "executedQty": "0.005",
    }
    return shown | {"avgPrice": "95200", "origType": "MARKET"} | changes


def algo(number, client_id, status="TRIGGERED", became=""):
    return {"algoId": number, "clientAlgoId": client_id, "algoStatus": status, "actualOrderId": became}


async def test_a_list_longer_than_a_page_is_read_to_its_end():
    told = Told(orders=[order(number) for number in range(10, 2_510)])

    listed = await session(told).orders_since("BTCUSDT", SINCE)

    assert [one.client_order_id for one in listed] == [f"cd-{number}" for number in range(10, 2_510)]
    assert [path for path, _ in told.asked] == ["allOrders"] * 3 + ["allAlgoOrders"]


async def test_a_list_that_does_not_go_on_after_a_page_is_unknown():
    told = Told(allOrders=[order(number) for number in range(1_000)])

    with pytest.raises(OutcomeUnknown, match="does not go on"):
        await session(told).orders_since("BTCUSDT", SINCE)


async def test_what_a_stop_became_is_found_in_the_list_and_told_once_by_the_stop_s_id():
    became = order(9, "cd-stop", origType="STOP_MARKET")
    told = Told(orders=[order(8), became], algos=[algo(7, "cd-stop", became="9")])

    listed = await session(told).orders_since("BTCUSDT", SINCE)

    assert [(one.client_order_id, one.exchange_order_id, one.status) for one in listed] == [
        ("cd-stop", "9", OrderStatus.FILLED),
        ("cd-8", "8", OrderStatus.FILLED),
    ]
    assert (listed[0].executed_quantity, listed[0].average_price) == (Decimal("0.005"), Decimal(95_200))
    assert len(told.asked) == 2


async def test_what_a_stop_became_is_asked_for_where_the_list_does_not_show_it():
    told = Told(algos=[algo(7, "cd-stop", became="9")], single=order(9, "another-id"))

    (shown,) = await session(told).orders_since("BTCUSDT", SINCE)

    assert (shown.client_order_id, shown.exchange_order_id) == ("cd-stop", "9")
    assert told.asked[-1] == ("order", {"symbol": "BTCUSDT", "orderId": "9"})


async def test_what_a_stop_from_before_became_is_no_order_of_its_own():
    told = Told(orders=[order(9, "cd-stop", origType="TAKE_PROFIT_MARKET")])

    assert await session(told).orders_since("BTCUSDT", SINCE) == []


UNREADABLE = [
    {},
    None,
    "",
    [None],
    ["row"],
    [[]],
    [{}],
    [{"orderId": "x", "algoId": "x"}],
    [{"orderId": 1, "algoId": 1}],
]


@pytest.mark.parametrize("path", ["allOrders", "allAlgoOrders"])
@pytest.mark.parametrize("answer", UNREADABLE)
async def test_a_list_with_something_unreadable_is_unknown_not_empty(path, answer):
    with pytest.raises(OutcomeUnknown):
        await session(Told(**{path: answer})).orders_since("BTCUSDT", SINCE)


@pytest.mark.parametrize("missing", ["clientOrderId", "status", "executedQty", "avgPrice"])
async def test_an_order_that_leaves_something_out_makes_the_list_unknown(missing):
    row = {name: value for name, value in order(8).items() if name != missing}

    with pytest.raises(OutcomeUnknown):
        await session(Told(orders=[row])).orders_since("BTCUSDT", SINCE)


@pytest.mark.parametrize(
    "row", [algo(7, "cd-stop"), algo(7, "cd-stop", became="?"), algo(7, "cd-stop", "A NEW WORD"), algo(7, None, "NEW")]
)
async def test_a_stop_that_does_not_say_what_became_of_it_makes_the_list_unknown(row):
    with pytest.raises(OutcomeUnknown):
        await session(Told(algos=[row])).orders_since("BTCUSDT", SINCE)
