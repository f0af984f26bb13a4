"""The simulator's own doors, its memory on disk, and the program that is started."""

import asyncio
import sys
from decimal import Decimal
from itertools import pairwise

import pytest

from copydesk.simulators.binance.exchange.state import StateFileError


async def test_health_tells_it_is_up(venue):
    status, body = await venue.sim("GET", "health")

    assert (status, body["status"], body["simulator"]) == (200, "ok", "binance")


async def test_accounts_come_one_by_one_or_as_a_list(venue):
    many = [{"api_key": f"k{number}", "api_secret": "s", "balance": "5"} for number in range(200)]

    status, body = await venue.sim("POST", "accounts", many)

    assert (status, len(body["accounts"])) == (200, 200)


async def test_repeating_an_account_renews_secret_and_balance_and_keeps_its_orders(venue, trader):
    await trader.order()
    wish = {"api_key": "alice", "api_secret": "new", "balance": "50", "permissions": {"enableWithdrawals": True}}

    await venue.sim("POST", "accounts", wish)

    assert await trader.code("GET", "/fapi/v3/account") == -1022
    trader.secret = "new"
    _, [balance] = await trader.send("GET", "/fapi/v3/balance")
    _, permissions = await trader.send("GET", "/sapi/v1/account/apiRestrictions")
    assert (balance["balance"], permissions["enableWithdrawals"]) == ("50.00000000", True)
    assert len((await venue.ledger())["orders"]) == 1


@pytest.mark.parametrize(
    ("door", "body", "field"),
    [
        ("accounts", {"api_secret": "s", "balance": "1"}, "api_key"),
        ("accounts", {"api_key": "k", "api_secret": "s", "balance": "much"}, "balance"),
        ("accounts", {"api_key": "k", "api_secret": "s", "balance": "1", "hedge": "yes"}, "hedge"),
        ("accounts", {"api_key": "k", "api_secret": "s", "permissions": {"fly": True}}, "permissions.fly"),
        ("accounts", "k", "body"),
        ("price", {"symbol": "NOPE", "price": "1"}, "symbol"),
        ("price", {"symbol": "BTCUSDT"}, "price"),
        ("price", {"symbol": "BTCUSDT", "price": "NaN"}, "price"),
        ("faults", {"kind": "earthquake"}, "kind"),
        ("faults", {"kind": "ban", "probability": 2}, "probability"),
        ("faults", {"kind": "ban", "next_n": 0}, "next_n"),
        ("limits", {"weight_per_minute": "many"}, "weight_per_minute"),
    ],
)
async def test_bad_input_is_told_by_its_field(venue, door, body, field):
    status, answer = await venue.sim("POST", door, body)

    assert (status, answer["error"]["details"]["field"]) == (400, field)


async def test_a_bad_account_in_a_list_opens_none(venue):
    status, _ = await venue.sim("POST", "accounts", [{"api_key": "good", "api_secret": "s"}, {"api_key": ""}])

    assert status == 400
    assert (await venue.sim("GET", "health"))[1]["accounts"] == 0


async def test_a_held_price_stands_still_in_every_view(venue):
    await venue.hold("ETHUSDT", "3000")

    _, price = await venue.public("/fapi/v1/ticker/price", symbol="ETHUSDT")
    _, book = await venue.public("/fapi/v1/ticker/bookTicker", symbol="ETHUSDT")
    _, mark = await venue.public("/fapi/v1/premiumIndex", symbol="ETHUSDT")

    assert (price["price"], book["bidPrice"], book["askPrice"]) == ("3000", "2999.99", "3000.01")
    assert (mark["markPrice"], mark["indexPrice"]) == ("3000.00000000", "3000.00000000")


async def test_the_ledger_has_the_contracts_keys(venue, trader):
    await trader.order(newClientOrderId="mine")
    await trader.algo()

    ledger = await venue.ledger()

    for row in ledger["orders"]:
        wanted = {"order_id", "client_order_id", "account", "symbol", "side", "type", "quantity", "reduce_only"}
        assert wanted | {"status", "time"} <= row.keys()
        assert row["time"].endswith("Z")
    [fill] = ledger["fills"]
    assert {"order_id", "account", "symbol", "side", "quantity", "price", "fee", "time"} <= fill.keys()
    [position] = ledger["positions"]
    assert (position["account"], position["side"], position["quantity"]) == ("alice", "LONG", "0.01")


async def test_a_restart_remembers_accounts_orders_and_what_still_waits(start_venue, tmp_path):
    file = tmp_path / "state.json"
    async with start_venue(state=file) as before:
        await before.hold("BTCUSDT", "95200")
        trader = await before.open_account("alice")
        await trader.order()
        await trader.algo(clientAlgoId="sl")
        await trader.order(type="LIMIT", timeInForce="GTC", price="94000", newClientOrderId="rest")
        remembered = await before.ledger()

    async with start_venue(state=file) as after:
        again = await after.ledger()
        await after.hold("BTCUSDT", "89000")
        finished = await after.ledger()

    assert again == remembered
    assert {row["status"] for row in finished["orders"]} == {"FILLED", "FINISHED"}
    assert [order["order_id"] for order in finished["orders"]].count("4000000001") == 1


async def test_real_candles_are_replayed(start_venue, tmp_path):
    file = tmp_path / "candles.csv"
    file.write_text("ts_ms,open,high,low,close,volume\n0,50000,50500,49500,50400,10\n")

    async with start_venue(prices=[str(file)]) as venue:
        _, price = await venue.public("/fapi/v1/ticker/price", symbol="BTCUSDT")

    assert 49_500 <= float(price["price"]) <= 50_500


async def test_real_candles_of_several_symbols_come_out_as_the_file_has_them(start_venue, tmp_path):
    """Rows of Bitstamp's BTC/USD on 2020-01-01, and the same made small for ETH."""
    rows = [
        ("1577836800000", "7160.6", "7160.6", "7159.6", "7159.6", "5.5"),
        ("1577836860000", "7161.5", "7161.5", "7155", "7161.2", "3.7"),
    ]
    bitcoin, ether = tmp_path / "btc.csv", tmp_path / "ETHUSDT_1m.csv"
    bitcoin.write_text("ts_ms,open,high,low,close,volume\n" + "\n".join(",".join(row) for row in rows))
    ether.write_text("0,130,131,129,130.5,10\n")

    async with start_venue(prices=[str(bitcoin), str(ether)], virtual_time=True) as venue:
        seen = []
        for _ in range(8):
            await venue.advance(250)
            seen.append((await venue.public("/fapi/v1/ticker/price", symbol="BTCUSDT"))[1]["price"])
        _, other = await venue.public("/fapi/v1/klines", symbol="ETHUSDT", interval="1m", limit=1)

    assert seen == ["7160.6", "7160.6", "7159.6", "7159.6", "7161.5", "7161.5", "7155", "7161.2"]
    assert Decimal(other[0][2]) >= 131
    assert Decimal(other[0][3]) <= 129


@pytest.mark.parametrize(
    "kind", ["klines", "markPriceKlines", "premiumIndexKlines", "indexPriceKlines", "continuousKlines"]
)
async def test_candles_of_every_kind_end_where_the_next_begin(venue, kind):
    name = "pair" if kind in {"indexPriceKlines", "continuousKlines"} else "symbol"
    more = {"contractType": "PERPETUAL"} if kind == "continuousKlines" else {}

    for interval in ("1m", "1h", "1w", "1M"):
        _, rows = await venue.public(f"/fapi/v1/{kind}", **{name: "BTCUSDT"}, interval=interval, limit=20, **more)

        assert len(rows) == 20
        assert all(earlier[6] + 1 == later[0] for earlier, later in pairwise(rows))


async def test_a_foreign_state_file_is_refused_and_left_alone(start_venue, tmp_path):
    file = tmp_path / "state.json"
    file.write_text('{"mine": true}')

    with pytest.raises(StateFileError, match=r"state\.json"):
        async with start_venue(state=file):
            pass

    assert file.read_text() == '{"mine": true}'


async def test_the_ledger_of_one_account(venue, trader):
    bob = await venue.open_account("bob")
    await trader.order()
    await bob.order()

    _, ledger = await venue.sim("GET", "ledger?account=bob")

    assert [row["account"] for row in ledger["orders"]] == ["bob"]


async def test_the_program_says_where_it_listens_and_stops_when_told():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "copydesk.simulators.binance", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    line = (await process.stdout.readline()).decode()

    process.terminate()

    assert line.startswith("ready on 127.0.0.1:")
    assert await process.wait() == 0
