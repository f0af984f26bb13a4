"""Words that make an order an exit, or only a part of one, and orders that this desk does not do."""

import json
from decimal import Decimal

import pytest

from copydesk.domain.errors import InvalidInput
from copydesk.domain.signal import Action, Size, SizeUnit
from copydesk.sources.tradingview import open_alert, read_alert
from store_support import NOW


def read(**words):
    (one,) = read_alert(open_alert(json.dumps({"ticker": "ETHUSDT", **words}).encode()), NOW)
    return one


@pytest.mark.parametrize("name", ["reduceOnly", "reduce_only", "closePosition"])
@pytest.mark.parametrize("yes", [True, "true", "TRUE", 1, "yes"])
@pytest.mark.parametrize(("action", "meant"), [("sell", Action.CLOSE_LONG), ("buy", Action.CLOSE_SHORT)])
def test_an_order_that_may_only_reduce_closes_and_never_opens(name, yes, action, meant):
    assert read(action=action, **{name: yes}).action is meant


@pytest.mark.parametrize("no", [False, "false", 0, "0", ""])
def test_an_order_that_need_not_reduce_is_what_its_action_says(no):
    assert read(action="sell", reduceOnly=no).action is Action.SELL


@pytest.mark.parametrize("name", ["close_percent", "closePct", "percent", "percentage"])
def test_a_percentage_beside_a_close_is_the_part_that_is_closed(name):
    assert read(action="close", **{name: "50"}).size == Size(unit=SizeUnit.PERCENT, amount=Decimal(50))


@pytest.mark.parametrize("kind", ["LIMIT", "stop", "stop_limit", "trailing"])
def test_an_order_that_waits_for_a_price_is_refused(kind):
    with pytest.raises(InvalidInput, match="buys and sells at market"):
        read(action="buy", order_type=kind, price="50000")


@pytest.mark.parametrize("kind", ["MARKET", "market", "mkt"])
def test_a_market_order_is_one(kind):
    assert read(action="buy", orderType=kind).action is Action.BUY


@pytest.mark.parametrize("name", ["test", "dry_run", "isTest"])
def test_a_rehearsal_is_refused_because_here_every_alert_counts(name):
    with pytest.raises(InvalidInput, match="every alert counts"):
        read(action="buy", **{name: True})
    assert read(action="buy", **{name: False}).action is Action.BUY
