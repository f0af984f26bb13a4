"""What the RSI strategy decides, with which reason and numbers, and what it refuses."""

from decimal import Decimal

import pytest

from backtest_support import flat, played, real_candles, seeded_candles, through_json
from copydesk.domain.errors import InvalidInput
from copydesk.domain.signal import Direction
from copydesk.ports.strategy import Close, Hold, Holding, Open, View
from copydesk.strategies.rsi import RsiStrategy


def falling(count=40):
    return [flat(number, 200 - number) for number in range(count)]


def rising(count=40):
    return [flat(number, 200 + number) for number in range(count)]


def decided(strategy, candles, position=None):
    state = strategy.begin(candles[:-1])
    view = View(candles=candles, state=state, balance=Decimal(100), position=position)
    return strategy.decide(view)


def holding(direction):
    return Holding(direction=direction, entry_price=Decimal(200), opened_ms=0)


def test_what_fell_too_far_is_bought_with_both_stops():
    found = decided(RsiStrategy.configured({}), falling())

    assert found.intention == Open(
        direction=Direction.LONG, stop_loss_pct=Decimal(3), take_profit_pct=Decimal(2), size_usd=None
    )
    assert found.reason == "RSI below 40"
    assert found.numbers["rsi"] == 0.0
    assert found.numbers["price"] == "161"


def test_what_rose_too_far_is_sold_short():
    assert decided(RsiStrategy.configured({}), rising()).intention.direction is Direction.SHORT


def test_an_rsi_at_its_threshold_is_neither_below_nor_above_it():
    up_and_down = [flat(number, 100 + number % 2) for number in range(15)]

    at_buy = decided(RsiStrategy.configured({"rsi_buy": 50}), up_and_down)
    at_sell = decided(RsiStrategy.configured({"rsi_sell": 50}), up_and_down)

    assert at_buy.numbers["rsi"] == at_sell.numbers["rsi"] == 50
    assert at_buy.intention == at_sell.intention == Hold()


def test_the_opposite_signal_closes_and_does_not_reverse():
    strategy = RsiStrategy.configured({})

    assert decided(strategy, rising(), holding(Direction.LONG)).intention == Close()
    assert decided(strategy, falling(), holding(Direction.SHORT)).intention == Close()
    assert decided(strategy, falling(), holding(Direction.LONG)).intention == Hold()


def test_a_side_that_is_not_allowed_is_closed_and_never_opened():
    strategy = RsiStrategy.configured({"sides": "long"})

    assert decided(strategy, rising()).intention == Hold()
    assert decided(strategy, rising(), holding(Direction.LONG)).intention == Close()


def test_holding_still_tells_its_reason_and_its_numbers():
    found = decided(RsiStrategy.configured({"rsi_buy": 1, "rsi_sell": 99}), seeded_candles(60))

    assert found.intention == Hold()
    assert found.reason == "RSI between its two thresholds"
    assert set(found.numbers) == {"price", "rsi", "macd", "macd_signal", "macd_histogram"}
    assert None not in found.numbers.values()


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"stop_loss_pct": 0}, "stop_loss_pct", "a stop loss is compulsory"),
        ({"stop_loss_pct": None}, "stop_loss_pct", "a stop loss is compulsory"),
        ({"stop_loss_pct": "-3"}, "stop_loss_pct", "not above 0"),
        ({"stop_loss_pct": "nan"}, "stop_loss_pct", "not above 0"),
        ({"rsi_period": 1}, "rsi_period", "not from 2"),
        ({"rsi_buy": 60, "rsi_sell": 40}, "rsi_buy", "not below rsi_sell"),
        ({"rsi_sell": 101}, "rsi_sell", "at most 100"),
        ({"rsi_bye": 40}, "rsi_bye", "there is no such setting"),
        ({"rsi_buy": "forty"}, "rsi_buy", "does not fit"),
        ({"sides": "up"}, "sides", "does not fit"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_their_name(given, field, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        RsiStrategy.configured(given)

    assert refused.value.fields[0].field == field


def test_a_bot_that_is_killed_after_every_candle_decides_as_one_that_runs_through():
    candles, strategy = seeded_candles(400), RsiStrategy.configured({})
    _, noted = played(strategy, candles)
    positions = iter(positions_of(noted, candles))

    state, again = through_json(strategy.begin(candles[: strategy.history])), []
    for number in range(strategy.history, len(candles)):
        view = View(candles=candles[: number + 1], state=state, balance=Decimal(10_000), position=next(positions))
        decision = RsiStrategy.configured({}).decide(view)
        state = through_json(decision.state)
        again.append(decision)

    assert [decision for _, decision in noted] == again
    assert {type(one.intention) for one in again} == {Hold, Open, Close}


def positions_of(noted, candles):
    """What the plain form showed: read from its reasons, as a bot would read its own account."""
    found = []
    strategy = RsiStrategy.configured({})

    class Watching(RsiStrategy):
        def decide(self, view):
            found.append(view.position)
            return super().decide(view)

    watching = Watching(strategy._settings)
    _, again = played(watching, candles)
    assert again == noted
    return found


def test_a_candle_that_is_shown_again_after_a_restart_is_not_counted_twice():
    candles, strategy = falling(), RsiStrategy.configured({})
    first = decided(strategy, candles)

    again = strategy.decide(View(candles=candles, state=through_json(first.state), balance=Decimal(100)))

    assert again.intention == Hold()
    assert again.reason == "this candle was decided on already"
    assert again.state == through_json(first.state)


def test_a_changed_period_is_worked_out_anew_from_the_candles_at_hand():
    candles = seeded_candles(80)
    state = RsiStrategy.configured({"rsi_period": 14}).begin(candles[:-1])
    changed = RsiStrategy.configured({"rsi_period": 7})

    found = changed.decide(View(candles=candles, state=state, balance=Decimal(1)))

    wanted = changed.decide(View(candles=candles, state=changed.begin(candles[:-1]), balance=Decimal(1)))
    assert found == wanted


def trades_by_hand(candles, *, buy, sell, stop, target, first):  # noqa: C901, PLR0912  as slow and plain as can be
    """A slow reference with code of its own: RSI from Wilder's words, stops in exact decimals, no ticks, no costs."""
    closes = [float(one.close) for one in candles]
    rise = fall = 0.0
    trades, held, wish = [], None, None
    for number, one in enumerate(candles):
        if number >= first and wish == "close":
            trades.append((*held[:2], number, held[2], one.open, "signal"))
            held = None
        elif wish in {1, -1}:
            held = (wish, number, one.open)
        wish = None
        if held is not None:
            way, _, entry = held
            floor, ceiling = entry * (1 - way * stop), entry * (1 + way * target)
            adverse, kind = (one.low, one.high) if way > 0 else (one.high, one.low), None
            if way * (one.open - floor) <= 0:
                kind, price = "stop loss", one.open
            elif way * (one.open - ceiling) >= 0:
                kind, price = "take profit", one.open
            elif way * (adverse[0] - floor) <= 0:
                kind, price = "stop loss", floor
            elif way * (adverse[1] - ceiling) >= 0:
                kind, price = "take profit", ceiling
            if kind:
                trades.append((way, held[1], number, entry, price, kind))
                held = None
        if number:
            change = closes[number] - closes[number - 1]
            if number <= 14:
                rise, fall = rise + max(change, 0) / 14, fall + max(-change, 0) / 14
            else:
                rise, fall = (rise * 13 + max(change, 0)) / 14, (fall * 13 + max(-change, 0)) / 14
        if number < first:
            continue
        rsi = 100 * rise / (rise + fall) if rise + fall else 0
        signal = 1 if rsi < buy else -1 if rsi > sell else 0
        if signal and held is None:
            wish = signal
        elif signal and held[0] == -signal:
            wish = "close"
    if held is not None:
        trades.append((*held[:2], len(candles) - 1, held[2], candles[-1].close, "end of data"))
    return trades


def compare_with_hand(candles):
    strategy = RsiStrategy.configured({})
    trades, _ = played(strategy, candles)

    wanted = trades_by_hand(
        candles, buy=40, sell=60, stop=Decimal("0.03"), target=Decimal("0.02"), first=strategy.history
    )

    assert [(one.side, one.opened_index, one.closed_index, one.entry_price, one.exit) for one in trades] == [
        ("LONG" if way > 0 else "SHORT", opened, closed, entry, kind) for way, opened, closed, entry, _, kind in wanted
    ]
    for one, (_, _, _, _, price, _) in zip(trades, wanted, strict=True):
        assert abs(one.exit_price - price) < Decimal("0.01")
    return {one.exit for one in trades}


def test_trades_on_real_candles_equal_a_slow_reference_one_by_one():
    assert {"signal", "stop loss", "take profit"} <= compare_with_hand(real_candles())


def test_trades_on_seeded_candles_equal_a_slow_reference_one_by_one():
    assert {"signal", "stop loss", "take profit"} <= compare_with_hand(seeded_candles(5_000, price=4_000, swing=70))
