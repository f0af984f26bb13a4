"""Fees in BNB, isolated margin by hand, multi-assets mode, deposits, income: what changes an account besides trading."""

from decimal import Decimal

import pytest

BTC = {"symbol": "BTCUSDT"}


async def incomes(trader, **wish):
    _, rows = await trader.send("GET", "/fapi/v1/income", **wish)
    return [(row["incomeType"], row["income"], row["asset"]) for row in rows]


async def test_fees_are_a_tenth_less_in_bnb_while_there_is_some(venue):
    await venue.hold("BTCUSDT", "95200")
    await venue.hold("BNBUSDT", "680")
    trader = await venue.open_account("alice", bnb_balance="0.001")
    await trader.send("POST", "/fapi/v1/feeBurn", feeBurn="true")

    for _ in range(2):
        await trader.order()
    _, trades = await trader.send("GET", "/fapi/v1/userTrades", **BTC)
    _, balances = await trader.send("GET", "/fapi/v3/balance")

    fee = Decimal("0.01") * Decimal("95200.1") * Decimal("0.0005")
    in_bnb = (fee * Decimal("0.9") / 680).quantize(Decimal("0.00000001"))
    assert [(Decimal(trade["commission"]), trade["commissionAsset"]) for trade in trades] == [
        (in_bnb, "BNB"),
        (fee, "USDT"),
    ]
    assert {row["asset"]: Decimal(row["balance"]) for row in balances} == {
        "USDT": 10_000 - fee,
        "BNB": Decimal("0.001") - in_bnb,
    }
    assert (await trader.send("GET", "/fapi/v1/feeBurn"))[1] == {"feeBurn": True}


async def test_each_account_pays_its_own_rates(venue):
    await venue.hold("BTCUSDT", "95200")
    trader = await venue.open_account("vip", maker_rate="0.00016", taker_rate="0.0004")

    await trader.order()
    _, [trade] = await trader.send("GET", "/fapi/v1/userTrades", **BTC)
    _, told = await trader.send("GET", "/fapi/v1/commissionRate", **BTC)

    assert Decimal(trade["commission"]) == Decimal("0.01") * Decimal("95200.1") * Decimal("0.0004")
    assert (told["makerCommissionRate"], told["takerCommissionRate"]) == ("0.00016", "0.0004")


async def test_isolated_margin_is_added_and_taken_back_down_to_the_initial_margin(trader):
    await trader.send("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED")
    await trader.order()

    async def margin():
        _, [row] = await trader.send("GET", "/fapi/v3/positionRisk", **BTC)
        return Decimal(row["isolatedWallet"])

    async def change(kind, amount):
        status, body = await trader.send("POST", "/fapi/v1/positionMargin", **BTC, amount=amount, type=kind)
        return body["code"] if status == 400 else body["amount"]

    begin = await margin()
    added, more = await change(1, "100"), await margin()
    much, back, end = await change(2, "101"), await change(2, "99.9"), await margin()
    _, history = await trader.send("GET", "/fapi/v1/positionMargin/history", **BTC)

    assert (added, more - begin, much, back, end - begin) == (100.0, 100, -4051, 99.9, Decimal("0.1"))
    assert [(row["type"], row["amount"]) for row in history] == [(1, "100"), (2, "99.9")]


async def test_isolated_margin_leaves_with_the_part_that_is_closed(trader):
    await trader.send("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED")
    await trader.order(quantity="0.04")
    await trader.send("POST", "/fapi/v1/positionMargin", **BTC, amount="40", type=1)
    _, [whole] = await trader.send("GET", "/fapi/v3/positionRisk", **BTC)

    await trader.order(side="SELL", quantity="0.01", reduceOnly="true")

    _, [left] = await trader.send("GET", "/fapi/v3/positionRisk", **BTC)
    assert Decimal(left["isolatedWallet"]) == Decimal(whole["isolatedWallet"]) * 3 / 4


async def test_a_leverage_raised_keeps_isolated_margin_where_it_is(trader):
    await trader.send("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED")
    await trader.order()
    _, [before] = await trader.send("GET", "/fapi/v3/positionRisk", **BTC)

    assert await trader.code("POST", "/fapi/v1/leverage", **BTC, leverage=50) == 0

    _, [after] = await trader.send("GET", "/fapi/v3/positionRisk", **BTC)
    assert after["isolatedWallet"] == before["isolatedWallet"]


async def test_a_deposit_is_income_and_the_books_name_it(venue, trader):
    await trader.order()
    _, [before] = await trader.send("GET", "/fapi/v3/balance")
    await venue.open_account("alice", balance="12000")

    added = 12_000 - Decimal(before["balance"])
    [kind, amount, asset] = (await incomes(trader, incomeType="TRANSFER"))[0]
    [row] = [each for each in (await venue.ledger())["incomes"] if each["account"] == "alice"]

    assert (kind, Decimal(amount), asset) == ("TRANSFER", added, "USDT")
    assert (row["type"], Decimal(row["amount"])) == ("TRANSFER", added)


async def test_income_tells_profit_commission_and_funding_in_order_of_time(virtual_venue):
    venue, trader = virtual_venue, await virtual_venue.open_account("alice")
    await trader.order()
    await venue.advance(1)
    await venue.sim("POST", "funding", {"symbol": "BTCUSDT", "rate": "-0.0002"})
    await venue.advance(1)
    await venue.hold("BTCUSDT", "96200")
    await trader.order(side="SELL", reduceOnly="true")

    rows = await incomes(trader)

    assert [kind for kind, _, _ in rows] == ["COMMISSION", "FUNDING_FEE", "REALIZED_PNL", "COMMISSION"]
    assert rows[1] == ("FUNDING_FEE", "0.1904", "USDT")
    assert [kind for kind, _, _ in await incomes(trader, incomeType="REALIZED_PNL", **BTC)] == ["REALIZED_PNL"]


async def test_multi_assets_mode_is_set_told_and_kept_from_isolated_margin(trader):
    assert await trader.code("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true") == 200

    _, told = await trader.send("GET", "/fapi/v1/multiAssetsMargin")
    _, config = await trader.send("GET", "/fapi/v1/accountConfig")

    assert (told["multiAssetsMargin"], config["multiAssetsMargin"]) == (True, True)
    assert await trader.code("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED") == -4168


@pytest.mark.parametrize(("hedge", "rows"), [(False, 6), (True, 12)])
async def test_the_second_version_lists_every_symbol_and_the_third_what_is_held(venue, hedge, rows):
    await venue.hold("BTCUSDT", "95200")
    trader = await venue.open_account("alice", hedge=hedge)
    await trader.order(positionSide="LONG" if hedge else None)

    counts = []
    for path in ("v2/positionRisk", "v3/positionRisk", "v2/account", "v3/account"):
        _, body = await trader.send("GET", f"/fapi/{path}")
        counts.append(len(body["positions"] if isinstance(body, dict) else body))

    assert counts == [rows, 1, rows, 1]


async def test_doors_that_provoke_say_what_they_lack(venue, trader):
    wrong = [
        ("liquidate", {"account": "nobody"}),
        ("liquidate", {"account": "alice"}),
        ("adl", {"account": "alice", "symbol": "BTCUSDT"}),
        ("settle", {"symbol": "NOPE"}),
        ("funding", {"symbol": "BTCUSDT", "rate": "0.5"}),
        ("liquidity", {"symbol": "BTCUSDT", "share": "-1"}),
        ("price", {"symbol": "BTCUSDT", "price": "95200", "mark": "95000"}),
        ("faults", {"kind": "refuse", "next_n": 1}),
        ("faults", {"kind": "refuse", "code": -9999}),
    ]

    answers = [await venue.sim("POST", door, body) for door, body in wrong]

    assert [(status, body["error"]["code"]) for status, body in answers] == [(400, "bad_input")] * len(wrong)


async def test_doors_that_provoke_do_it_over_http(venue, trader):
    async def position(door, **body):
        await trader.order(quantity="0.04")
        status, _ = await venue.sim("POST", door, {"account": "alice", "symbol": "BTCUSDT", **body})
        return status, await trader.positions()

    seen = [
        await position("adl", quantity="0.01", position_side="BOTH"),
        await position("adl"),
        await position("liquidate"),
        await position("settle"),
    ]

    assert [status for status, _ in seen] == [200] * 4
    assert [held.get(("BTCUSDT", "BOTH")) for _, held in seen] == ["0.03", None, None, None]
