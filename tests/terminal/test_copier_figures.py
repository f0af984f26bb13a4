"""The numbers that a copier tells: how lots came about, and what the account's deals say."""

from decimal import Decimal

from observer_support import deal
from test_copier_rules import GOLD, command, symbol

from copydesk.terminal.codec import Entry
from copydesk.terminal.copier.commands import Wishes
from copydesk.terminal.copier.figures import booked, closings, is_closed, share_of
from copydesk.terminal.copier.plans import plan_of, plan_with_lots
from copydesk.terminal.copier.sizing import lots_to_close


def test_a_plan_tells_every_number_of_a_multiple_in_other_contracts():
    wishes = Wishes(mode="multiplier", multiplier=Decimal("0.5"))
    gold = symbol(name="XAUUSD.m", trade_contract_size=Decimal(10))
    told = command(symbol="XAUUSD", volume=Decimal("0.3"), contract=GOLD)

    assert plan_with_lots(plan_of(told, wishes, gold, Decimal(2650)), Decimal("1.5")) == {
        "symbol_master": "XAUUSD",
        "symbol": "XAUUSD.m",
        "mode": "multiplier",
        "lots_master": "0.3",
        "contract_master": "100",
        "contract": "10",
        "contract_ratio": "10",
        "multiplier": "0.5",
        "lots_before_rounding": "1.5",
        "volume_step": "0.01",
        "volume_min": "0.01",
        "volume_max": "50",
        "price": "2650",
        "price_master": "1.085",
        "lots": "1.5",
    }


def test_a_plan_without_a_master_tells_margin_and_leverage():
    plan = plan_of(
        command(volume=None, price=None), Wishes(margin_usd=Decimal(50), leverage=10), symbol(), Decimal("1.1")
    )

    assert (plan["mode"], plan["margin_usd"], plan["leverage"]) == ("margin", "50", "10")
    assert "lots_master" not in plan


def test_a_third_of_three_steps_is_one_step_though_the_fraction_was_cut_off():
    assert lots_to_close(Decimal("0.33333333"), Decimal("0.03"), symbol()) == Decimal("0.01")
    assert lots_to_close(Decimal(1) / 3, Decimal("0.03"), symbol()) == Decimal("0.01")


def test_deals_add_up_to_volume_mean_price_profit_and_what_was_paid():
    costs = {"profit": Decimal(-3), "swap": Decimal("-0.5"), "commission": Decimal("-0.7")}
    deals = [
        deal(1),
        deal(2, entry=Entry.OUT, volume="0.04", **costs),
        deal(3, entry=Entry.OUT, volume="0.06", reason=4, price=Decimal("1.095")),
    ]
    told = booked(closings(deals))

    assert is_closed(deals)
    assert not is_closed(deals[:2])
    assert not is_closed(deals[:1])
    assert not is_closed([])
    assert (told.volume, told.price, told.profit, told.fee) == (
        Decimal("0.10"),
        Decimal("1.091"),
        Decimal("-3.5"),
        Decimal("0.7"),
    )
    assert told.reason == "stop loss"
    half = share_of(told, Decimal("0.5"))
    assert (half.volume, half.profit, half.fee) == (Decimal("0.05"), Decimal("-1.75"), Decimal("0.35"))
