"""What a master's command means on a follower's account: symbols, lots, guards, requests, and what an answer proves."""

from datetime import timedelta
from decimal import Decimal

import pytest
from observer_support import START, deal, order, position

from copydesk.terminal.codec import Account, Sent, Symbol, Terminal, Tick, write_request
from copydesk.terminal.copier.commands import Command, Do, Skipped, Wishes
from copydesk.terminal.copier.evidence import REFUSED, Verdict, judge, look_for
from copydesk.terminal.copier.guards import Situation, check_opening
from copydesk.terminal.copier.requests import (
    FOK,
    IOC,
    RETURN,
    closing,
    comment_of,
    fillings,
    is_ours,
    levels,
    magic_of,
    new_levels,
    opening,
    placeable,
)
from copydesk.terminal.copier.sizing import lots_to_close, lots_to_open
from copydesk.terminal.copier.symbols import check_symbol, core, find_symbol
from copydesk.terminal.events import Contract
from copydesk.terminal.frames import CHILD_ENDED, NO_CONNECTION, REQUEST_REFUSED, Failed

HERE = ["EURUSD.m", "GBPUSD", "XAUUSD", "XAUUSD.m", "GER40.cash", "#US500"]
GOLD = Contract(size=Decimal(100), digits=2, currency_base="XAU", currency_profit="USD")


def command(**more):
    return Command(
        **{
            "id": "c1",
            "do": Do.OPEN,
            "bot_id": "b1",
            "master_ticket": 7,
            "symbol": "EURUSD",
            "type": "BUY",
            "volume": Decimal("0.1"),
            "price": Decimal("1.085"),
            "created_at": START,
            "expires_at": START + timedelta(seconds=30),
            **more,
        }
    )


def symbol(**more):
    numbers = {
        "point": "0.00001",
        "bid": "1.085",
        "ask": "1.08501",
        "trade_contract_size": "100000",
        "trade_tick_size": "0.00001",
        "trade_tick_value": "1",
        "volume_min": "0.01",
        "volume_max": "50",
        "volume_step": "0.01",
        "volume_limit": "0",
    }
    counts = {
        "digits": 5,
        "spread": 1,
        "trade_mode": 4,
        "trade_exemode": 2,
        "trade_stops_level": 0,
        "trade_freeze_level": 0,
        "filling_mode": 3,
        "order_mode": 127,
        "expiration_mode": 15,
        "trade_calc_mode": 0,
    }
    texts = {"name": "EURUSD", "currency_base": "EUR", "currency_profit": "USD", "currency_margin": "EUR", "path": ""}
    exact = {name: Decimal(value) for name, value in numbers.items()}
    return Symbol(**{**exact, **counts, **texts, "select": True, "visible": True, **more})


def tick(bid="1.085", ask="1.08501"):
    return Tick(time_msc=1, bid=Decimal(bid), ask=Decimal(ask), last=Decimal(0))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("GBPUSD", "GBPUSD"),
        ("EURUSD", "EURUSD.m"),
        ("EURUSDpro", "EURUSD.m"),
        ("XAUUSD", "XAUUSD"),
        ("GER40", "GER40.cash"),
    ],
)
def test_a_symbol_is_found_by_name_or_without_its_decoration(wanted, found):
    assert find_symbol(wanted, HERE, {}) == found


def test_two_symbols_that_fit_are_not_guessed_between():
    told = find_symbol("XAUUSD-ECN", HERE, {})

    assert isinstance(told, Skipped)
    assert "XAUUSD, XAUUSD.m" in told.reason


def test_the_owners_map_counts_first_and_must_name_something_that_exists():
    assert find_symbol("XAUUSD", HERE, {"XAUUSD": "XAUUSD.m"}) == "XAUUSD.m"
    assert isinstance(find_symbol("XAUUSD", HERE, {"XAUUSD": "GOLD"}), Skipped)
    assert isinstance(find_symbol("NZDCAD", HERE, {}), Skipped)


@pytest.mark.parametrize("name", ["EURUSD", "EURUSD.m", "#EURUSD", "EURUSD-ECN", "EURUSD_i", "EURUSDpro", ".EURUSD"])
def test_a_decorated_name_has_the_core_of_the_plain_one(name):
    assert core(name) == "EURUSD"


def test_one_name_for_two_things_is_seen_by_the_currencies():
    assert check_symbol(symbol(), GOLD).rule == "symbol"
    assert check_symbol(symbol(currency_base="XAU"), GOLD) is None
    assert check_symbol(symbol(), None) is None


@pytest.mark.parametrize(
    ("wishes", "more", "lots"),
    [
        (Wishes(fixed_lot=Decimal("0.05")), {}, "0.05"),
        (Wishes(mode="multiplier", multiplier=Decimal("0.55")), {}, "0.05"),
        (Wishes(mode="multiplier"), {"contract": GOLD}, "1"),
        (Wishes(fixed_lot=Decimal(80)), {}, "50"),
    ],
)
def test_lots_are_rounded_down_and_count_in_this_brokers_contracts(wishes, more, lots):
    mini = symbol(trade_contract_size=Decimal(10)) if more else symbol()

    assert lots_to_open(command(**more), wishes, mini, Decimal("1.085")) == Decimal(lots)


def test_lots_below_the_least_are_skipped_with_their_numbers():
    told = lots_to_open(command(), Wishes(mode="multiplier", multiplier=Decimal("0.05")), symbol(), Decimal(1))

    assert told == Skipped(rule="volume", reason="0.1 × 0.05 is below the least of 0.01 lots on EURUSD")


def test_a_ticket_that_grew_adds_its_share_of_the_followers_own_size():
    grown = command(fraction=Decimal("0.5"), volume=Decimal("0.2"))

    assert lots_to_open(grown, Wishes(fixed_lot=Decimal("0.1")), symbol(), Decimal(1)) == Decimal("0.05")
    assert lots_to_open(grown, Wishes(mode="multiplier"), symbol(), Decimal(1)) == Decimal("0.2")


def test_without_a_master_the_margin_says_how_much_and_percents_say_where_to_stop():
    alert = command(volume=None, price=None)
    wishes = Wishes(margin_usd=Decimal(100), leverage=20, stop_loss_pct=Decimal(1), take_profit_pct=Decimal(2))

    assert lots_to_open(alert, wishes, symbol(trade_contract_size=Decimal(1000)), Decimal("1.25")) == Decimal("1.6")
    assert lots_to_open(alert, Wishes(), symbol(), Decimal("1.25")).rule == "volume"
    assert levels(alert, wishes, Decimal(100), is_buy=True) == (99, 102)
    assert levels(alert, wishes, Decimal(100), is_buy=False) == (101, 98)
    assert levels(alert, Wishes(), Decimal(100), is_buy=True) == (0, 0)


@pytest.mark.parametrize(
    ("fraction", "held", "lots"),
    [("1", "0.1", "0.1"), ("0.5", "0.1", "0.05"), ("0.5", "0.03", "0.01"), ("0.7", "0.02", "0.01")],
)
def test_a_part_is_rounded_down_to_steps(fraction, held, lots):
    assert lots_to_close(Decimal(fraction), Decimal(held), symbol()) == Decimal(lots)


def test_a_part_below_a_step_stays_open_and_says_so():
    assert lots_to_close(Decimal("0.4"), Decimal("0.01"), symbol()).rule == "volume"


def situation(**more):
    figures = ("balance", "equity", "margin_free")
    account = Account(
        login=1002,
        server="S",
        name="",
        company="",
        currency="USD",
        leverage=100,
        margin_mode=2,
        trade_allowed=True,
        trade_expert=True,
        limit_orders=0,
        margin=Decimal(0),
        margin_level=Decimal(0),
        **dict.fromkeys(figures, Decimal(1000)),
    )
    terminal = Terminal(
        connected=True,
        trade_allowed=more.pop("autotrading", True),
        tradeapi_disabled=False,
        build=5000,
        ping_last=0,
        path="",
        name="",
        company="",
    )
    parts = {
        "account": account,
        "terminal": terminal,
        "symbol": symbol(),
        "tick": tick(),
        "positions": (),
        "orders": (),
    }
    return Situation(**{"now": START, **parts, **more})


@pytest.mark.parametrize(
    ("rule", "wishes", "more"),
    [
        ("age", Wishes(), {"now": START + timedelta(seconds=31)}),
        ("trading", Wishes(), {"autotrading": False}),
        ("trading", Wishes(), {"symbol": symbol(trade_mode=3)}),
        ("trading", Wishes(), {"symbol": symbol(trade_mode=2)}),
        ("spread", Wishes(max_spread_points=5), {"tick": tick(ask="1.08506")}),
        ("spread", Wishes(), {"tick": tick(bid="0", ask="0")}),
        ("slippage", Wishes(max_slippage_points=50), {"tick": tick(bid="1.0855", ask="1.08551")}),
        ("orders_per_symbol", Wishes(max_orders_per_symbol=2), {"positions": [position()], "orders": [order()]}),
        ("exposure_trades", Wishes(max_exposure_trades=1), {"positions": [position(symbol="GBPUSD")]}),
        ("exposure_lots", Wishes(max_exposure_lots=Decimal("0.15")), {"positions": [position(symbol="GBPUSD")]}),
        ("margin", Wishes(margin_free_min=Decimal(950)), {}),
    ],
)
def test_each_guard_stops_what_it_is_for_and_names_its_rule(rule, wishes, more):
    lots, margin = Decimal("0.1"), Decimal(108)

    told = check_opening(command(), wishes, situation(**more), lots, is_buy=True, margin=margin)

    assert told is not None, rule
    assert told.rule == rule


def test_within_all_limits_and_with_a_better_price_nothing_stops_it():
    better = situation(tick=tick(bid="1.08", ask="1.08001"))

    assert check_opening(command(), Wishes(), better, Decimal("0.1"), is_buy=True, margin=None) is None
    unlimited = Wishes(
        max_slippage_points=None, max_orders_per_symbol=None, max_exposure_trades=None, max_exposure_lots=None
    )
    crowded = situation(positions=[position(n) for n in range(1, 30)], tick=tick(bid="2", ask="2.00001"))
    assert check_opening(command(), unlimited, crowded, Decimal(9), is_buy=True, margin=None) is None


@pytest.mark.parametrize(
    ("execution", "mask", "ways"),
    [(1, 0, (FOK, IOC)), (2, 1, (FOK,)), (2, 2, (IOC,)), (2, 3, (FOK, IOC)), (3, 2, (IOC, RETURN)), (3, 0, (RETURN,))],
)
def test_the_filling_is_chosen_by_mask_and_has_one_alternative(execution, mask, ways):
    assert fillings(symbol(trade_exemode=execution, filling_mode=mask)) == ways


def test_requests_are_written_as_the_package_takes_them():
    told = command(master_ticket=2**63 - 1)
    wishes = Wishes(max_slippage_points=5)
    request = opening(told, wishes, symbol(), tick(), Decimal("0.1"), is_buy=True, magic=magic_of(3, 9))
    written = write_request(request)

    assert {type(written[name]) for name in ("volume", "price", "sl", "tp", "stoplimit")} == {float}
    assert len(written["comment"]) <= 29
    assert (written["type"], written["price"], written["deviation"]) == (0, 1.08501, 5)
    assert is_ours(written["magic"])
    assert written["magic"] < 2**63


def test_a_close_names_the_position_and_goes_the_other_way():
    request = closing(position(ticket=77), symbol(), tick(), Decimal("0.1"), magic=1)

    assert (request.position, request.type, request.price) == (77, 1, Decimal("1.085"))


def test_a_reversed_copy_has_the_masters_target_as_its_stop():
    told = command(sl=Decimal("1.08"), tp=Decimal("1.09"))
    request = new_levels(told, Wishes(reverse=True), position(is_buy=False), symbol(), tick(), magic=1)

    assert (request.sl, request.tp) == (Decimal("1.09"), Decimal("1.08"))


def test_levels_nearer_than_the_broker_takes_are_moved_to_where_it_does():
    far = symbol(trade_stops_level=100)

    assert placeable((Decimal("1.0849"), Decimal("1.0851")), far, tick(), is_buy=True) == (
        Decimal("1.084"),
        Decimal("1.086"),
    )
    assert placeable((Decimal(0), Decimal(0)), far, tick(), is_buy=True) == (0, 0)
    sold = placeable((Decimal("1.0851"), Decimal("1.07")), far, tick(), is_buy=False)
    assert sold == (Decimal("1.08601"), Decimal("1.07"))


def test_each_magic_is_an_orders_own_and_never_a_strangers():
    assert magic_of(1, 2) != magic_of(2, 1)
    assert not any(is_ours(one) for one in (0, 1, 12345, 2**40, 2**62))
    with pytest.raises(ValueError, match="no magic"):
        magic_of(0, 0)


def sent(retcode):
    zero = Decimal(0)
    return Sent(
        retcode=retcode,
        deal=0,
        order=0,
        volume=zero,
        price=zero,
        bid=zero,
        ask=zero,
        comment="",
        request_id=0,
        retcode_external=0,
    )


@pytest.mark.parametrize("retcode", [10011, 10012, 10031, 10023, 0, 10041, 99999])
def test_what_is_not_on_the_list_of_refusals_is_unknown(retcode):
    assert retcode not in REFUSED
    assert judge(sent(retcode)) is Verdict.UNKNOWN


def test_answers_are_judged_by_what_they_prove():
    assert {judge(sent(one)) for one in (10008, 10009, 10010)} == {Verdict.DONE}
    assert {judge(sent(one)) for one in (10025, 10036)} == {Verdict.MET}
    assert {judge(sent(one)) for one in (10004, 10018, 10019, 10027, 10030)} == {Verdict.REFUSED}
    assert {judge(Failed(one, "")) for one in (NO_CONNECTION, REQUEST_REFUSED, -2)} == {Verdict.REFUSED}
    assert {judge(Failed(one, "")) for one in (CHILD_ENDED, -1, -10005, -10002)} == {Verdict.UNKNOWN}


def test_an_order_is_found_by_its_magic_wherever_it_shows():
    mine = magic_of(1, 1)
    nothing = {"positions": (), "orders": (), "past": (), "deals": ()}

    assert look_for(mine, **nothing | {"deals": [deal(1)]}) is None
    by_deals = look_for(
        mine, **nothing | {"deals": [deal(1, magic=mine, volume="0.1"), deal(2, magic=mine, volume="0.3")]}
    )
    assert (by_deals.volume, by_deals.position_id) == (Decimal("0.4"), 7)
    assert look_for(mine, **nothing | {"positions": [position(magic=mine)]}).position_id == 7
    assert look_for(mine, **nothing | {"orders": [order(magic=mine)]}).still_waits
    assert look_for(mine, **nothing | {"past": [order(magic=mine, state=2, type=0)]}) is None
    assert look_for(mine, **nothing | {"past": [order(magic=mine, state=2, type=2)]}).volume == 0


def test_a_comment_tells_the_masters_ticket_within_its_length():
    assert comment_of(500000005) == "copydesk 500000005"
    assert len(comment_of(2**63 - 1)) <= 29
