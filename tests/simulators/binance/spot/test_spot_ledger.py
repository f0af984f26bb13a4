"""Spot in the simulator's own doors: deposits, the ledger beside the futures', and what a restart keeps."""

import json
from decimal import Decimal

import msgspec
import pytest
from spot_support import SpotTrader

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.exchange.state import StateFileError
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.server import make_exchange, make_spot
from copydesk.simulators.binance.spot import order_routes, state
from copydesk.simulators.binance.spot.call import SpotCall

HOUR_MS = 3_600_000


async def test_the_ledger_tells_spot_and_futures_apart(venue, trader):
    await trader.send("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
    await trader.order(quantity="0.01", newClientOrderId="mine")

    ledger = await venue.ledger()
    await venue.open_account("bob")
    of_bob = await venue.sim("GET", "ledger?account=bob")

    futures, spot = ledger["orders"]
    fill = ledger["fills"][1]
    assert "market" not in futures
    assert (spot["market"], spot["client_order_id"], spot["status"], spot["executed_quantity"]) == (
        "spot",
        "mine",
        "FILLED",
        "0.01",
    )
    assert (fill["market"], fill["fee"], fill["fee_asset"]) == ("spot", "0.00001", "BTC")
    assert [(row.get("market"), row["symbol"], row["quantity"]) for row in ledger["positions"]] == [
        (None, "BTCUSDT", "0.01"),
        ("spot", "BTCUSDT", "0.50999"),
    ]
    assert [row["account"] for row in of_bob[1]["spot_balances"]] == ["bob"]


async def test_what_is_not_said_about_spot_is_the_balance_the_first_time_and_nothing_after(venue):
    bob = await venue.open_account("bob", balance="700")
    await venue.open_account("bob", balance="900")

    spot = await SpotTrader(venue, "bob", bob.secret).balances()

    assert spot == {"USDT": (700, 0)}


async def test_a_withdrawal_leaves_what_open_orders_bind(venue, trader):
    await trader.limit("94000", quantity="0.1")
    await venue.open_account("alice", spot={"USDT": "100"})

    assert (await trader.balances())["USDT"] == (0, 9_400)


@pytest.mark.parametrize(
    ("spot", "field"), [({"DOGE": "1"}, "spot.DOGE"), ("all", "spot"), ({"BTC": "-1"}, "BTC"), ({"BTC": None}, "BTC")]
)
async def test_a_deposit_that_makes_no_sense_changes_nothing(venue, spot, field):
    wish = {"api_key": "bob", "api_secret": "secret", "balance": "1", "spot": spot}

    status, body = await venue.sim("POST", "accounts", wish)

    assert (status, body["error"]["details"]["field"]) == (400, field)
    assert (await venue.ledger())["spot_balances"] == []


async def test_a_restart_keeps_wallets_orders_lists_and_fills(start_venue, tmp_path):
    file = tmp_path / "state.json"
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "99000", "belowType": "STOP_LOSS", "belowStopPrice": "90000"}
    async with start_venue(state=file) as venue:
        await venue.hold("BTCUSDT", "95200")
        await venue.open_account("alice", spot={"USDT": "10000", "BTC": "0.5"})
        trader = SpotTrader(venue, "alice", "alice-secret")
        await trader.order()
        await trader.limit("94000", newClientOrderId="mine")
        await trader.send("POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.5", **legs)
        before, balances = await venue.ledger(), await trader.balances()

    async with start_venue(state=file) as venue:
        trader = SpotTrader(venue, "alice", "alice-secret")
        after, kept = await venue.ledger(), await trader.balances()
        await venue.hold("BTCUSDT", "90000")
        _, filled = await trader.send("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
        _, [listed] = await trader.send("GET", "/api/v3/allOrderList")

    assert (after, kept) == (before, balances)
    assert (filled["status"], listed["listOrderStatus"]) == ("FILLED", "ALL_DONE")


async def test_a_state_file_from_before_spot_still_opens(start_venue, tmp_path):
    file = tmp_path / "state.json"
    async with start_venue(state=file) as venue:
        await venue.open_account("alice")
    kept = json.loads(file.read_text())
    del kept["spot"]
    file.write_text(json.dumps(kept))

    async with start_venue(state=file) as venue:
        ledger = await venue.ledger()

    assert ([row["account"] for row in ledger["balances"]], ledger["spot_balances"]) == (["alice"], [])


def test_a_damaged_spot_part_stops_the_start():
    spot = make_spot(make_exchange(seed=1, now_ms=0), seed=1)

    with pytest.raises(StateFileError):
        state.restore(spot, msgspec.Raw(b'{"wallets": 1}'))


def test_an_order_that_never_traded_is_archived_after_90_days():
    exchange = make_exchange(seed=1, now_ms=0)
    spot = make_spot(exchange, seed=1)
    account = exchange_account()

    def call(now_ms, query):
        return SpotCall(
            spot=spot,
            listen_keys=None,
            params=Params(query, ""),
            now_ms=now_ms,
            used_orders=lambda _key: (0, 0),
            account_or_none=account,
        )

    spot.deposit("alice", {"USDT": Decimal(10_000)}, 0)
    wish = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.01&price=90000&newClientOrderId=mine"
    order_routes.place_order(call(0, wish))
    named = "symbol=BTCUSDT&origClientOrderId=mine"

    known = order_routes.query_order(call(90 * 24 * HOUR_MS, named))
    with pytest.raises(RefusedError) as archived:
        order_routes.query_order(call(90 * 24 * HOUR_MS + 1, named))

    assert (known["status"], archived.value.code) == ("EXPIRED", -2026)


def exchange_account():
    return Account(api_key="alice", api_secret="", start_balance=Decimal(0), wallet=Decimal(0), created_ms=0)
