"""Leverage, margin type, position mode, and what the account endpoints tell about them."""

from decimal import Decimal
from itertools import pairwise

import pytest

LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "94000"}
BTC = {"symbol": "BTCUSDT"}


@pytest.mark.parametrize(("leverage", "expected"), [("0", -4028), ("126", -4028), ("-3", -4028), ("x", -1102)])
async def test_a_leverage_the_bracket_does_not_know_is_refused(trader, leverage, expected):
    assert await trader.code("POST", "/fapi/v1/leverage", **BTC, leverage=leverage) == expected


async def test_leverage_decides_margin_and_the_largest_position(trader):
    _, told = await trader.send("POST", "/fapi/v1/leverage", **BTC, leverage=125)
    await trader.order(quantity="0.1")
    _, account = await trader.send("GET", "/fapi/v3/account")
    _, [config] = await trader.send("GET", "/fapi/v1/symbolConfig", **BTC)

    assert (told["leverage"], told["maxNotionalValue"]) == (125, "300000")
    assert Decimal(account["totalInitialMargin"]) == Decimal("76.16")
    assert (config["leverage"], config["marginType"]) == (125, "CROSSED")
    assert await trader.order_code(quantity="4") == -2027


async def test_leverage_can_not_fall_below_what_the_margin_bears(trader):
    await trader.order(quantity="1")

    assert await trader.code("POST", "/fapi/v1/leverage", **BTC, leverage=2) == -2028
    assert await trader.code("POST", "/fapi/v1/leverage", **BTC, leverage=125) == 0


async def test_margin_type_changes_only_while_nothing_is_open(trader):
    async def change(kind):
        return await trader.code("POST", "/fapi/v1/marginType", **BTC, marginType=kind)

    assert await change("CROSSED") == -4046
    await trader.order(**LIMIT)
    assert await change("ISOLATED") == -4047
    await trader.send("DELETE", "/fapi/v1/allOpenOrders", **BTC)
    await trader.order()
    assert await change("ISOLATED") == -4048
    await trader.order(side="SELL", reduceOnly="true")
    assert await change("ISOLATED") == 200
    assert await change("ISOLATED") == -4046
    assert await change("MAYBE") == -1102


async def test_position_mode_changes_only_while_nothing_is_open_anywhere(trader):
    async def change(flag):
        return await trader.code("POST", "/fapi/v1/positionSide/dual", dualSidePosition=flag)

    assert await change("false") == -4059
    await trader.order(**LIMIT)
    assert await change("true") == -4067
    await trader.send("DELETE", "/fapi/v1/allOpenOrders", **BTC)
    await trader.order()
    assert await change("true") == -4068
    await trader.order(side="SELL", reduceOnly="true")
    assert await change("true") == 200
    assert (await trader.send("GET", "/fapi/v1/positionSide/dual"))[1] == {"dualSidePosition": True}


async def test_an_isolated_position_binds_its_own_wallet(trader):
    await trader.send("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED")
    await trader.send("POST", "/fapi/v1/leverage", **BTC, leverage=10)
    await trader.order(quantity="0.1")

    _, [position] = await trader.send("GET", "/fapi/v2/positionRisk", **BTC)
    _, [balance] = await trader.send("GET", "/fapi/v3/balance")

    assert (position["marginType"], position["leverage"], position["isolatedWallet"]) == ("isolated", "10", "952.001")
    assert Decimal(balance["balance"]) - Decimal(balance["crossWalletBalance"]) == Decimal("952.001")


async def test_the_liquidation_price_is_where_margin_meets_maintenance(venue):
    await venue.hold("BTCUSDT", "95200")
    solo = await venue.open_account("solo", balance="1000", taker_rate="0")
    await solo.order(quantity="0.1")

    _, [position] = await solo.send("GET", "/fapi/v3/positionRisk")

    at = Decimal(position["liquidationPrice"])
    margin = 1_000 + Decimal("0.1") * (at - Decimal("95200.1"))
    assert abs(margin - Decimal("0.1") * at * Decimal("0.004")) < Decimal("0.001")


async def test_brackets_build_the_published_cumulative_amounts(trader):
    _, [row] = await trader.send("GET", "/fapi/v1/leverageBracket", **BTC)

    brackets = row["brackets"]
    for lower, upper in pairwise(brackets):
        step = upper["notionalFloor"] * (upper["maintMarginRatio"] - lower["maintMarginRatio"])
        assert upper["cum"] == pytest.approx(lower["cum"] + step)
    assert brackets[0]["initialLeverage"] == 125


async def test_fee_rates_belong_to_the_account(venue):
    await venue.hold("BTCUSDT", "95200")
    vip = await venue.open_account("vip", maker_rate="0.00016", taker_rate="0.0004")
    await vip.order()

    _, rates = await vip.send("GET", "/fapi/v1/commissionRate", **BTC)
    _, [trade] = await vip.send("GET", "/fapi/v1/userTrades", **BTC)
    _, income = await vip.send("GET", "/fapi/v1/income")

    assert rates["takerCommissionRate"] == "0.0004"
    assert Decimal(trade["commission"]) == Decimal("952.001") * Decimal("0.0004")
    assert [row["incomeType"] for row in income] == ["COMMISSION"]


async def test_older_account_endpoints_carry_their_fuller_shape(trader):
    await trader.order()

    _, account = await trader.send("GET", "/fapi/v2/account")

    assert account["canTrade"] is True
    assert account["positions"][0]["leverage"] == "20"
    assert account["assets"][0]["asset"] == "USDT"
