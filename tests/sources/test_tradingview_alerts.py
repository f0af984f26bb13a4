"""TradingView alerts as people send them: read into one shape whatever the words."""

import itertools
import json
from decimal import Decimal

import pytest

from copydesk.domain.errors import InvalidInput
from copydesk.domain.signal import Action, Direction, Target
from copydesk.sources.tradingview import SECRET_NAMES, open_alert, read_alert
from copydesk.sources.tradingview.figures import read_number
from copydesk.sources.tradingview.words import WORDS as SPELLINGS
from copydesk.sources.tradingview.words import Word, agree, as_action
from store_support import NOW


def read(document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    (found,) = read_alert(open_alert(body), NOW)
    return found


# The numbers are those of the list of payloads seen in public.
SHAPE_8 = {"ticker": "BTCUSDT", "action": "buy", "price": "95200.5"}
SHAPE_9 = {
    "secret": "made-up",
    "max_lag": "300",
    "timestamp": "2026-03-04T05:06:07Z",
    "trigger_price": "95200.5",
    "tv_exchange": "BINANCE",
    "tv_instrument": "BTCUSDT.P",
    "action": "buy",
    "bot_uuid": "x",
    "strategy_info": {
        "market_position": "long",
        "market_position_size": "1",
        "prev_market_position": "flat",
        "prev_market_position_size": "0",
    },
    "order": {"amount": "1", "currency_type": "base"},
}
SHAPE_16 = {
    "action": "open",
    "side": "long",
    "symbol": "BINANCE:BTCUSDT.P",
    "price": "95200.5",
    "time": "2026-03-04T05:06:00Z",
    "tag": None,
}


def test_the_shortest_alert_is_read():
    found = read(SHAPE_8)

    assert (found.ticker, found.symbol, found.action) == ("BTCUSDT", "BTCUSDT", Action.BUY)
    assert (found.price, found.target) == (Decimal("95200.5"), None)
    assert found.payload == SHAPE_8


def test_a_strategy_alert_is_read_with_where_the_strategy_stands():
    found = read(SHAPE_9)

    assert (found.ticker, found.symbol, found.action) == ("BTCUSDT.P", "BTCUSDT", Action.BUY)
    assert found.price == Decimal("95200.5")
    assert found.target == Target(direction=Direction.LONG, size=Decimal(1), previous_size=None)
    assert found.payload == {name: value for name, value in SHAPE_9.items() if name != "secret"}


def test_an_alert_with_a_side_is_read():
    found = read(SHAPE_16)

    assert (found.ticker, found.symbol, found.action) == ("BINANCE:BTCUSDT.P", "BTCUSDT", Action.OPEN_LONG)
    assert (found.price, found.target) == (Decimal("95200.5"), None)


def test_camel_case_of_a_relay_is_read():
    found = read(
        {
            "id": "Long-2026-03-04T05:06:07Z",
            "symbol": "BTCUSDT",
            "action": "buy",
            "qty": "1",
            "price": "100",
            "marketPosition": "long",
            "prevMarketPosition": "flat",
            "signalToken": "made-up",
        }
    )

    assert found.target == Target(direction=Direction.LONG)
    assert "signalToken" not in found.payload


def test_an_order_word_and_a_one_word_action_are_read():
    order = read({"order": "buy", "passphrase": "made-up", "ticker": "ETHUSDT"})
    word = read({"symbol": "BTCUSDT", "action": "LONG_OPEN", "alert_id": "tv-btc-long-open"})
    side = read({"side": "OpenShort", "symbol": "BTCUSDTPERP", "leverage": "125"})

    assert (order.action, word.action, side.action) == (Action.BUY, Action.OPEN_LONG, Action.OPEN_SHORT)


@pytest.mark.parametrize(
    "ticker",
    ["BTCUSDT", "BINANCE:BTCUSDT", "BINANCE:BTCUSDT.P", "BTCUSDTPERP", "BTCUSDT-PERP", "BTC/USDT:USDT", " btcusdt "],
)
@pytest.mark.parametrize("name", ["ticker", "symbol", "tv_instrument", "instrument", "pair"])
def test_a_symbol_is_found_under_each_name_in_each_spelling(name, ticker):
    assert read({name: ticker, "action": "buy"}).symbol == "BTCUSDT"


def test_several_names_of_one_symbol_agree():
    assert (
        read({"pair": "BTC/USDT", "symbol": "BINANCE:BTCUSDT.P", "ticker": "BTCUSDT", "action": "buy"}).symbol
        == "BTCUSDT"
    )


def test_two_symbols_in_one_alert_are_refused():
    with pytest.raises(InvalidInput, match="not the same symbol"):
        read({"symbol": "XRPUSDT", "ticker": "BTCUSDT", "action": "buy"})


WORDS = {
    Action.BUY: ["buy", "BUY", " Buy "],
    Action.SELL: ["sell", "Sell"],
    Action.OPEN_LONG: ["long", "LONG_OPEN", "OpenLong", "open long", "open-long", "enter_long"],
    Action.OPEN_SHORT: ["short", "SHORT_OPEN", "OpenShort", "open_short", "enter short"],
    Action.CLOSE_LONG: ["close_long", "CloseLong", "LONG_CLOSE", "exit_long", "close-long"],
    Action.CLOSE_SHORT: ["close_short", "CloseShort", "SHORT_CLOSE", "exit short", "cover"],
    Action.CLOSE: ["close", "exit", "flat", "flatten", "FLAT"],
}


@pytest.mark.parametrize(("action", "word"), [(action, word) for action, words in WORDS.items() for word in words])
def test_each_word_for_an_action_is_understood(action, word):
    assert read({"ticker": "BTCUSDT", "action": word}).action is action


@pytest.mark.parametrize(
    ("word", "side", "action"),
    [
        ("open", "long", Action.OPEN_LONG),
        ("entry", "SHORT", Action.OPEN_SHORT),
        ("enter", "buy", Action.OPEN_LONG),
        ("close", "long", Action.CLOSE_LONG),
        ("exit", "short", Action.CLOSE_SHORT),
        ("close", "sell", Action.CLOSE_LONG),
        ("close", "buy", Action.CLOSE_SHORT),
        ("close", "flat", Action.CLOSE),
        ("close", None, Action.CLOSE),
        ("buy", "long", Action.OPEN_LONG),
        ("sell", "short", Action.OPEN_SHORT),
        ("buy", "buy", Action.BUY),
        ("close_long", "sell", Action.CLOSE_LONG),
    ],
)
def test_a_side_completes_opening_and_narrows_closing(word, side, action):
    assert read({"ticker": "BTCUSDT", "action": word, "side": side}).action is action


@pytest.mark.parametrize(
    ("word", "side"),
    [
        ("open", None),
        ("open", "flat"),
        ("open", "sideways"),
        ("close", "sideways"),
        ("buy", "short"),
        ("sell", "long"),
        ("open_long", "short"),
        ("close_long", "short"),
        ("close_long", "buy"),
        ("buy", "close_long"),
    ],
)
def test_a_side_that_does_not_go_with_the_action_is_refused(word, side):
    with pytest.raises(InvalidInput):
        read({"ticker": "BTCUSDT", "action": word, "side": side})


def test_every_order_of_words_says_the_same():
    for one, other in itertools.product(Word, Word):
        assert agree([one, other]) == agree([other, one])


OF_TICKETS = {Action.MODIFY, Action.PENDING, Action.CANCEL}
"""A master's tickets alone say these."""


def test_the_words_tested_here_reach_every_action():
    assert set(WORDS) == set(Action) - OF_TICKETS == {as_action(word) for word in SPELLINGS.values()} - {None}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("95200.5", "95200.5"),
        (95200.5, "95200.5"),
        (95200, "95200"),
        (" 1e3 ", "1000"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("NaN", None),
        ("nan", None),
        ("na", None),
        ("", None),
        (" ", None),
        ("null", None),
        (None, None),
        (True, None),
    ],
)
def test_a_number_may_be_text_and_may_be_missing(value, number):
    found = read_number(value)

    assert found == (None if number is None else Decimal(number))


@pytest.mark.parametrize("price", ["NaN", "na", "", None])
def test_an_alert_without_a_price_is_read(price):
    assert read(SHAPE_8 | {"price": price}).price is None


def test_a_bare_nan_that_is_no_json_is_read_all_the_same():
    assert read(b'{"ticker": "BTCUSDT", "action": "buy", "price": NaN}').price is None


def test_the_next_price_name_counts_where_the_first_has_none():
    assert read({"ticker": "BTCUSDT", "action": "buy", "price": "NaN", "close": "7"}).price == 7
    assert read({"ticker": "BTCUSDT", "action": "buy", "trigger_price": 8, "close": "7"}).price == 8


@pytest.mark.parametrize(
    ("told", "target"),
    [
        (("long", "3", "long", "2"), Target(direction=Direction.LONG, size=Decimal(3), previous_size=Decimal(2))),
        (("short", "-3", "short", "-5"), Target(direction=Direction.SHORT, size=Decimal(3), previous_size=Decimal(5))),
        (("short", "1", "long", "2"), Target(direction=Direction.SHORT, size=Decimal(1))),
        (("flat", "0", "long", "2"), Target(direction=Direction.FLAT, size=Decimal(0))),
        (("LONG", "NaN", "", "na"), Target(direction=Direction.LONG)),
        (("long", None, None, None), Target(direction=Direction.LONG)),
    ],
)
def test_where_a_strategy_stands_is_read_flat_or_nested(told, target):
    names = ("market_position", "market_position_size", "prev_market_position", "prev_market_position_size")
    position = dict(zip(names, told, strict=True))

    assert read(SHAPE_8 | position).target == target
    assert read(SHAPE_8 | {"strategy_info": position}).target == target


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_secret_is_found_under_each_name_and_kept_out_of_the_payload(name):
    alert = open_alert(json.dumps(SHAPE_8 | {name: "made-up"}).encode())

    (found,) = read_alert(alert, NOW)

    assert alert.secret == "made-up"
    assert found.payload == SHAPE_8
    assert "made-up" not in repr(found)


def test_all_secret_names_of_one_alert_are_kept_out():
    alert = open_alert(json.dumps(SHAPE_8 | dict.fromkeys(SECRET_NAMES, "made-up")).encode())

    assert alert.secret == "made-up"
    assert read_alert(alert, NOW)[0].payload == SHAPE_8


@pytest.mark.parametrize("body", [b"buy BTCUSDT", b"[]", b'{"secret": 7}', b'{"secret": null}', b"{", b"\xff", b""])
def test_an_alert_without_a_readable_secret_has_none(body):
    assert open_alert(body).secret is None


def test_a_secret_that_is_no_text_does_not_hide_the_next():
    assert open_alert(b'{"secret": null, "passphrase": "made-up"}').secret == "made-up"


def test_a_mark_at_the_start_of_the_text_does_no_harm():
    assert read(b"\xef\xbb\xbf" + json.dumps(SHAPE_8).encode()).symbol == "BTCUSDT"
