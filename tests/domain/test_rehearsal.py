"""What past signals would have done: the same planning, walked through in order, with results only where prices are known."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.bot import MarketType, PayloadSize
from copydesk.domain.guards import Refusal
from copydesk.domain.planning import Copy
from copydesk.domain.rehearsal import Past, PriceFrom, Stage, rehearse
from copydesk.domain.signal import Direction, LegKind, Size, SizeUnit, Step, Stops, TicketChange
from copydesk.domain.subscription import KeyCheck
from store_support import NOW, make_account, make_bot, make_quote, make_signal, make_subscription

OPEN = (Step(leg=LegKind.OPEN, direction=Direction.LONG),)
SHORT = (Step(leg=LegKind.OPEN, direction=Direction.SHORT),)
CLOSE = (Step(leg=LegKind.CLOSE, direction=Direction.FLAT),)
HALF = (Step(leg=LegKind.CLOSE, direction=Direction.LONG, fraction=Decimal("0.5")),)

NO_STOPS = {"default_stop_loss_pct": Decimal(0), "default_take_profit_pct": Decimal(0)}


def stage(*, bot=None, account=None, quotes=None, is_terminal=False, available_usd=None, **own):
    return Stage(
        bot=bot or make_bot(**NO_STOPS),
        subscription=make_subscription(custom_margin_usd=Decimal(1000), custom_leverage=10, **own),
        account=account or make_account(),
        quotes={"BTCUSDT": make_quote("100000"), "ETHUSDT": make_quote("4000")} if quotes is None else quotes,
        is_terminal=is_terminal,
        available_usd=available_usd,
    )


def past(steps, price=None, *, hours=0, desk_price=None, **more):
    told = None if price is None else Decimal(price)
    signal = make_signal(steps=steps, price=told, received_at=NOW + timedelta(hours=hours), **more)
    return Past(signal=signal, desk_price=None if desk_price is None else Decimal(desk_price))


def test_a_trade_whose_prices_were_told_has_a_result():
    made = rehearse([past(OPEN, "100000"), past(CLOSE, "101000")], stage())

    opened, closed = made.lines
    assert opened.plan.quantity == Decimal("0.1")
    assert opened.result_usd is None
    assert closed.plan.quantity == Decimal("0.1")
    assert closed.result_usd == Decimal(100)
    assert made.held == []


def test_a_short_earns_where_the_price_falls():
    made = rehearse([past(SHORT, "100000"), past(CLOSE, "99000")], stage())

    assert made.lines[1].result_usd == Decimal(100)


def test_the_size_is_that_of_the_signal_s_own_price():
    made = rehearse([past(OPEN, "50000")], stage())

    assert made.lines[0].plan.quantity == Decimal("0.2")
    assert made.lines[0].seen.told_by is PriceFrom.ALERT


def test_where_the_alert_told_no_price_the_desk_s_own_orders_tell_it():
    made = rehearse([past(OPEN, desk_price="80000"), past(CLOSE, desk_price="88000")], stage())

    assert made.lines[0].plan.quantity == Decimal("0.125")
    assert made.lines[0].seen.told_by is PriceFrom.DESK
    assert made.lines[1].result_usd == Decimal(1000)


def test_without_any_price_of_its_time_it_is_sized_by_today_s_and_has_no_result():
    made = rehearse([past(OPEN), past(CLOSE, "120000")], stage())

    assert made.lines[0].seen.told_by is PriceFrom.NOW
    assert made.lines[0].plan.quantity == Decimal("0.1")
    assert made.lines[1].result_usd is None


def test_who_begins_in_the_middle_has_nothing_to_close():
    made = rehearse([past(CLOSE, "100000")], stage())

    assert made.lines[0].plan.rule == "no_position"


def test_a_part_closed_leaves_the_rest_to_be_held_at_today_s_price():
    made = rehearse([past(OPEN, "90000"), past(HALF, "99000")], stage())

    assert made.lines[1].result_usd == Decimal("0.055") * 9000
    [rest] = made.held
    assert rest.position.quantity == Decimal("0.056")
    assert rest.result_usd == Decimal("0.056") * 10000


def test_a_later_price_beyond_the_stop_says_that_it_was_hit():
    bot = make_bot(default_stop_loss_pct=Decimal(2), default_take_profit_pct=Decimal(0))

    made = rehearse([past(OPEN, "100000"), past(CLOSE, "95000")], stage(bot=bot))

    opened, stopped, closed = made.lines
    assert opened.leg is LegKind.OPEN
    assert stopped.leg is LegKind.STOP_LOSS
    assert stopped.seen.price == Decimal(98000)
    assert stopped.result_usd == Decimal(-200)
    assert closed.plan.rule == "no_position"


def test_a_target_is_taken_at_its_level_and_not_beyond():
    bot = make_bot(default_stop_loss_pct=Decimal(2), default_take_profit_pct=Decimal(4))

    made = rehearse([past(OPEN, "100000"), past(OPEN, "110000")], stage(bot=bot))

    assert [line.leg for line in made.lines] == [LegKind.OPEN, LegKind.TAKE_PROFIT, LegKind.OPEN]
    assert made.lines[1].result_usd == Decimal(400)


def test_the_limits_count_what_the_rehearsal_itself_holds():
    signals = [past(OPEN, "100000"), past(OPEN, "4000", symbol="ETHUSDT"), past(CLOSE, "100000")]
    signals += [past(OPEN, "4000", symbol="ETHUSDT")]

    made = rehearse(signals, stage(max_concurrent_positions=1))

    assert [getattr(line.plan, "reason", None) for line in made.lines] == [
        None,
        "Max concurrent positions reached",
        None,
        None,
    ]


def test_a_day_s_loss_stops_openings_until_the_next_day():
    lost = [past(OPEN, "100000"), past(CLOSE, "99000", hours=1)]
    signals = [*lost, past(OPEN, "99000", hours=2), past(OPEN, "99000", hours=24)]

    made = rehearse(signals, stage(max_daily_loss_usd=Decimal(50)))

    assert made.lines[2].plan.reason == "Daily loss limit reached"
    assert isinstance(made.lines[3].plan, Copy)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"is_active": False}, "account_inactive"),
        ({"key_check": KeyCheck.REFUSED, "key_problem": "unknown"}, "key_refused"),
    ],
)
def test_an_account_that_cannot_trade_would_have_copied_nothing(changes, rule):
    made = rehearse([past(OPEN, "100000")], stage(account=make_account(**changes)))

    assert made.lines[0].plan.rule == rule


def test_a_symbol_that_is_not_traded_there_is_refused_with_its_reason():
    made = rehearse([past(OPEN, "1", symbol="DOGEUSDT")], stage())

    assert made.lines[0].plan.rule == "no_market_data"


def test_a_percentage_is_of_what_the_account_has_available():
    bot = make_bot(payload_size=PayloadSize.USE, **NO_STOPS)
    here = Stage(
        bot=bot,
        subscription=make_subscription(),
        account=make_account(),
        quotes={"BTCUSDT": make_quote("100000")},
        available_usd=Decimal(50_000),
    )
    half = Size(unit=SizeUnit.PERCENT, amount=Decimal(50))

    made = rehearse([past(OPEN, "100000", size=half)], here)

    assert made.lines[0].plan.quantity == Decimal("0.25")


def test_a_signal_without_steps_says_why_nothing_happens():
    made = rehearse([past((), "100000", note="the strategy is already long: nothing changes")], stage())

    assert made.lines[0].leg is None
    assert made.lines[0].plan == Refusal(reason="the strategy is already long: nothing changes", rule="no_change")


def test_at_a_terminal_tickets_are_followed_one_by_one_and_lots_have_no_result():
    account = make_account(venue="mt5")
    signals = [
        past((), "1.1", symbol="EURUSD", ticket=ticket(1, volume="0.2", before="0")),
        past((), "1.1", symbol="EURUSD", ticket=ticket(2, volume="0.1", before="0", direction=Direction.SHORT)),
        past((), "1.2", symbol="EURUSD", ticket=ticket(1, volume="0.1", before="0.2")),
        past((), "1.2", symbol="EURUSD", ticket=ticket(1, volume="0", before="0.1")),
    ]

    made = rehearse(signals, stage(account=account, quotes={}, is_terminal=True))

    assert [line.leg for line in made.lines] == [LegKind.OPEN, LegKind.OPEN, LegKind.CLOSE, LegKind.CLOSE]
    assert all(isinstance(line.plan, Copy) for line in made.lines)
    assert {line.result_usd for line in made.lines} == {None}
    assert [one.symbol for one in made.held] == ["EURUSD@2"]


def ticket(number, *, volume, before, direction=Direction.LONG):
    return TicketChange(
        number=number,
        direction=direction,
        volume=Decimal(volume),
        before=Decimal(before),
        stop_loss=Decimal(0),
        take_profit=Decimal(0),
    )


def test_a_strategy_s_own_stops_count_in_the_place_of_the_bot_s():
    bot = make_bot(default_stop_loss_pct=Decimal(10), default_take_profit_pct=Decimal(0))
    own = Stops(stop_loss_pct=Decimal(1), take_profit_pct=Decimal(0))

    made = rehearse([past(OPEN, "100000", stops=own), past(CLOSE, "95000")], stage(bot=bot))

    assert made.lines[1].leg is LegKind.STOP_LOSS
    assert made.lines[1].seen.price == Decimal(99000)


def test_a_contract_is_a_stake_that_ends_by_itself_and_one_at_a_time():
    bot = make_bot(market_type=MarketType.OPTIONS, contract_duration_s=120, **NO_STOPS)
    here = replace(stage(bot=bot, account=make_account(venue="deriv")), is_contracts=True)
    moments = [0, 1, 3]
    signals = [Past(signal=make_signal(steps=OPEN, received_at=NOW + timedelta(minutes=one))) for one in moments]

    made = rehearse(signals, here)

    assert [getattr(line.plan, "rule", "")[:13] for line in made.lines][1] == "contract_open"
    assert [isinstance(line.plan, Copy) for line in made.lines] == [True, False, True]
    assert {line.result_usd for line in made.lines} == {None}
    assert [one.position.quantity for one in made.held] == [Decimal(1000)]
