"""What happens to alerts on their way from a script through a form, a relay and a text field: understood, or refused."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tradingview_support import SECRET, became, read, read_all, refuse, told

from copydesk.domain.errors import InvalidInput
from copydesk.domain.signal import Size, SizeUnit
from copydesk.sources.tradingview import open_alert, read_alert
from copydesk.sources.tradingview.figures import read_size
from store_support import NOW, PROPERTY

ORDER = '"ticker": "BTCUSDT", "action": "buy"'

# What arrives → what it becomes.
UNDERSTOOD = {
    # JSON, almost
    "{'ticker': 'BTCUSDT', 'action': 'buy'}": "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy",}': "buy BTCUSDT",
    '[{"ticker": "BTCUSDT", "action": "buy"},]': "buy BTCUSDT",
    "{ticker: 'BTCUSDT', action: 'buy'}": "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy"} // from the phone': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "price": NaN}': "buy BTCUSDT",
    "{'ticker': 'BTCUSDT', 'action': 'sell', 'price': NaN,}": "sell BTCUSDT",
    '{""ticker"": ""BTCUSDT"", ""action"": ""buy"", ""note"": """"}': "buy BTCUSDT",
    '"{""ticker"": ""BTCUSDT"", ""action"": ""buy""}"': "buy BTCUSDT",
    '"{\\"ticker\\": \\"BTCUSDT\\", \\"action\\": \\"buy\\"}"': "buy BTCUSDT",
    '"buy BTCUSDT"': "buy BTCUSDT",
    '\ufeff {"ticker": "BTCUSDT", "action": "buy"} \r\n': "buy BTCUSDT",
    '{\r\n  "ticker": "BTCUSDT",\r\n  "action": "buy"\r\n}': "buy BTCUSDT",
    # numbers as text, in each way
    '{"ticker": "BTCUSDT", "action": "buy", "price": " 95200.5 "}': "buy BTCUSDT, at 95200.5",
    '{"ticker": "BTCUSDT", "action": "buy", "price": 1e5}': "buy BTCUSDT, at 1E+5",
    '{"ticker": "BTCUSDT", "action": "buy", "price": ".5"}': "buy BTCUSDT, at 0.5",
    '{"ticker": "BTCUSDT", "action": "buy", "price": "na"}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "price": ""}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "price": null}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "price": "45000,5"}': "buy BTCUSDT, at 45000.5",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "NaN"}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "50 %"}': "buy BTCUSDT, 50 %",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "%50"}': "buy BTCUSDT, 50 %",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "$ 20"}': "buy BTCUSDT, 20 in quote currency",
    '{"ticker": "BTCUSDT", "action": "close", "qty": "all"}': "close BTCUSDT, 100 %",
    '{"ticker": "BTCUSDT", "action": "buy", "volume": "123456.7"}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "order": {"amount": "20", "currency_type": "quote"}}': (
        "buy BTCUSDT, 20 in quote currency"
    ),
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "0.5", "contracts": "2"}': "buy BTCUSDT, 0.5 coins",
    # names in another spelling, or one level down
    '{"TICKER": "BTCUSDT", "Action": "BUY"}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "order": {"action": "sell", "contracts": 2, "price": 7}}': "sell BTCUSDT, 2 coins, at 7",
    '{"ticker": "BTCUSDT", "order": "sell", "type": "market"}': "sell BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "signal": "rsi_oversold"}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy", "message": "{\\"price\\": 7}"}': "buy BTCUSDT, at 7",
    '{"ticker": "BTCUSDT", "action": "buy", "message": "{not JSON"}': "buy BTCUSDT",
    '{"content": "long BTCUSDT"}': "open long BTCUSDT",
    # words
    '{"ticker": "BTCUSDT", "action": "close-long"}': "close long BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "CloseShort"}': "close short BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "Exit Long"}': "close long BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "cover"}': "close short BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "flatten"}': "close BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "TP"}': "close BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "stop loss"}': "close BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "buy to cover"}': "close short BTCUSDT",
    '{"ticker": "BTCUSDT", "signal": "Buy Signal"}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "close", "position": "long"}': "close long BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "open", "position": "short"}': "open short BTCUSDT, strategy now short",
    '{"symbol": "BTCUSDT", "side": "BUY", "positionSide": "SHORT"}': "close short BTCUSDT",
    '{"symbol": "BTCUSDT", "side": "BUY", "positionSide": "BOTH"}': "buy BTCUSDT",
    # where the strategy stands
    '{"ticker": "BTCUSDT", "action": "sell", "marketPosition": "flat", "market_position_size": "0"}': (
        "sell BTCUSDT, strategy now flat"
    ),
    '{"ticker": "BTCUSDT", "action": "buy", "sentiment": "bullish"}': "buy BTCUSDT, strategy now long",
    '{"ticker": "BTCUSDT", "position": "-2"}': "open short BTCUSDT, strategy now short 2",
    '{"ticker": "BTCUSDT", "position": 0}': "close BTCUSDT, strategy now flat",
    '{"ticker": "BTCUSDT", "action": "sell", "position_size": "-2"}': "sell BTCUSDT, strategy now short 2",
    '{"ticker": "BTCUSDT", "action": "buy", "position_size": "2"}': "buy BTCUSDT",
    '{"ticker": "BTCUSDT", "action": "sell", "position_size": 0}': "sell BTCUSDT, strategy now flat",
    '{"ticker": "BTCUSDT", "action": "sell", "contracts": "3", "market_position": "short", "market_position_size": "1"}': (
        "sell BTCUSDT, 1 coins, strategy now short 1"
    ),
    '{"ticker": "BTCUSDT", "action": "buy", "contracts": "1", "market_position": "long", "market_position_size": "3"}': (
        "buy BTCUSDT, 1 coins, strategy now long 3, before 2"
    ),
    # symbols
    '{"ticker": "BINANCE_DLY:BTCUSDT.P", "action": "buy"}': "buy BTCUSDT",
    '{"ticker": "btc/usdt:usdt", "action": "buy"}': "buy BTCUSDT",
    '{"ticker": "SOL-PERP", "action": "buy"}': "buy SOLUSDT",
    '{"ticker": "BTCUSD.P", "action": "buy"}': "buy BTCUSD",
    '{"ticker": "BTCUSDT.P", "symbol": "BINANCE:BTCUSDT", "action": "buy"}': "buy BTCUSDT",
    # names and values
    "symbol=BTCUSDT;action=buy": "buy BTCUSDT",
    "symbol = BTCUSDT\naction = buy\n": "buy BTCUSDT",
    "symbol=BTCUSDT action=buy": "buy BTCUSDT",
    "symbol=BTCUSDT|action=buy|price=7": "buy BTCUSDT, at 7",
    "symbol=BTCUSDT, action=buy, price=7": "buy BTCUSDT, at 7",
    'symbol=BTCUSDT;action=buy;price="45000,50"': "buy BTCUSDT, at 45000.50",
    "symbol=BTCUSDT;action=buy;order_id=Long Entry": "buy BTCUSDT",
    "Symbol: BTCUSDT\r\nAction: Buy": "buy BTCUSDT",
    "e=bybit s=BTCUSDT c=position b=short": "close short BTCUSDT",
    "s=BTCUSDT c=position q=50%": "close BTCUSDT, 50 %",
    "s=BTCUSDT c=position\ns=BTCUSDT b=long": "close BTCUSDT; open long BTCUSDT",
    "command=CLOSEPOSITION;instrument=BTCUSDT": "close BTCUSDT",
    # sentences and rows
    "buy BTCUSDT": "buy BTCUSDT",
    "BTCUSDT.P sell": "sell BTCUSDT",
    "Close Long BINANCE:BTCUSDT": "close long BTCUSDT",
    "flat BTCUSDT\nlong ETHUSDT q=1": "close BTCUSDT; open long ETHUSDT, 1 coins",
    "HYPEUSDT.P, 15 - Close Long Signal": "close long HYPEUSDT",
    "BTCUSDT | SELL Signal": "sell BTCUSDT",
    "BTCUSDT,sell": "sell BTCUSDT",
    '"BTCUSDT","buy","95200.5","0.1"': "buy BTCUSDT, 0.1 coins, at 95200.5",
    "BTCUSDT,buy,1.5,2\nETHUSDT,sell,2.5,3": "buy BTCUSDT, 2 coins, at 1.5; sell ETHUSDT, 3 coins, at 2.5",
    "A: order sell @ 9 filled on X (1, 2): order buy @ 2 filled on ETHUSDT.P. New strategy position is 2": (
        "buy ETHUSDT, 2 coins, strategy now long 2"
    ),
    "S.t,r@ (order buy): order sell @ 3 filled on BTCUSDT. New strategy position is -1": (
        "sell BTCUSDT, 1 coins, strategy now short 1"
    ),
    "S: order sell @ 1 filled on BTCUSDT. New strategy position is 0": "sell BTCUSDT, 1 coins, strategy now flat",
    "buy 1 @ 7 on BTCUSDT (2026-02-26T13:51:00Z). Position: -2 @ avg 6. Order ID: x": (
        "buy BTCUSDT, 1 coins, strategy now short 2, before 3, at 7"
    ),
}

# What arrives → the field that is wrong.
REFUSED = {
    '{"ticker": "BTCUSDT", "action": "buy"': "body",
    '{"ticker": "BTCUSDT" "action": "buy"}': "body",
    '{"ticker": "BTCUSDT", "action": "buy"} {"ticker": "ETHUSDT", "action": "buy"}': "body",
    '{"ticker": "BTCUSDT", "action": "buy", "ticker": "ETHUSDT"}': "ticker",
    "{'ticker': 'BTCUSDT', 'action': 'buy', 'action': 'sell'}": "action",
    '{"Action": "buy", "action": "sell", "ticker": "BTCUSDT"}': "action",
    '[[{"ticker": "BTCUSDT", "action": "buy"}]]': "body",
    "[" + ",".join(["{" + ORDER + "}"] * 21) + "]": "body",
    '[{"ticker": "BTCUSDT", "action": "buy"}, "sell"]': "body",
    '[{"ticker": "BTCUSDT", "action": "buy"}, {"action": "buy"}]': "[1].ticker",
    '{"ticker": "BTCUSDT", "action": "buy", "message": "{\\"action\\": \\"sell\\"}"}': "action",
    '{"ticker": "BTCUSDT", "action": "buy", "message": "{\\"ticker\\": \\"ETHUSDT\\"}"}': "ticker",
    '{"ticker": "BTCUSDT", "action": true}': "action",
    '{"ticker": "BTCUSDT", "action": ["buy"]}': "action",
    '{"ticker": "BTCUSDT", "action": "buy", "side": "short"}': "action",
    '{"ticker": "BTCUSDT", "action": "buy", "order": "sell"}': "action",
    '{"ticker": "BTCUSDT", "action": "reverse"}': "action",
    '{"ticker": "BTCUSDT", "action": "tp1"}': "action",
    '{"ticker": "BTCUSDT", "side": "LONG_AND_SHORT"}': "side",
    '{"ticker": "BTCUSDT", "command": "CANCEL"}': "command",
    '{"ticker": "BTCUSDT", "type": "market"}': "action",
    '{"ticker": "BTCUSDT", "position_size": "2"}': "action",
    '{"symbol": "BTCUSDT", "positionSide": "LONG"}': "action",
    '{"symbol": "BTCUSDT", "side": "BUY", "positionSide": "UP"}': "positionSide",
    '{"ticker": "BTCUSDT", "action": "buy", "price": "45,000"}': "price",
    '{"ticker": "BTCUSDT", "action": "buy", "price": "1.234,5"}': "price",
    '{"ticker": "BTCUSDT", "action": "buy", "price": "0x10"}': "price",
    '{"ticker": "BTCUSDT", "action": "buy", "price": "1_000"}': "price",
    '{"ticker": "BTCUSDT", "action": "buy", "price": "١٢"}': "price",
    '{"ticker": "BTCUSDT", "action": "buy", "price": -Infinity}': "price",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "0"}': "qty",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "50%%"}': "qty",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "$50%"}': "qty",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "2x"}': "qty",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": "1", "size": "2"}': "amount",
    '{"ticker": "BTCUSDT", "action": "buy", "qty": {"a": 1}}': "qty",
    '{"ticker": "BTCUSDT", "action": "buy", "order": {"amount": "1", "currency_type": "moons"}}': "currency_type",
    '{"ticker": "BTCUSDT", "action": "buy", "market_position": "long", "position": "short"}': "market_position",
    '{"ticker": "BTCUSDT", "action": "buy", "market_position": "long", "market_position_size": "-1"}': (
        "market_position_size"
    ),
    '{"ticker": "BTCUSDT", "action": "sell", "market_position": "flat", "market_position_size": "1"}': (
        "market_position_size"
    ),
    '{"ticker": "BTCUSDT", "action": "buy", "market_position": "long", "prev_market_position": "up"}': (
        "prev_market_position"
    ),
    '{"ticker": "BTCUSDT", "action": "buy", "max_lag": "soon"}': "max_lag",
    '{"ticker": "BTCUSDT", "action": "buy", "max_lag": "60"}': "timestamp",
    '{"ticker": "BTCUSDT", "action": "buy", "max_lag": "60", "timestamp": "yesterday"}': "timestamp",
    "symbol=BTCUSDT action=buy symbol=ETHUSDT": "body",
    "symbol=BTCUSDT;action=buy;price=45000,50": "price",
    "symbol=BTCUSDT action=buy comment=Long Entry": "body",
    "s=BTCUSDT c=order": "action",
    "c=position\nb=long": "body",
    "BTCUSDT | BUY Signal\nP: 45000,50": "body",
    "BTCUSDT | BUY Signal\nand more": "body",
    "HYPEUSDT.P, 1D - Strong Buy Signal": "action",
    "AAPL,buy,150,25,10": "action",
    "AAPL,150.25,buy,10": "action",
    "BTCUSDT|buy|95200|1": "action",
    "S: order buy @ 0,5 filled on BTCUSDT. New strategy position is 0,5": "body",
    "S: order hold @ 1 filled on BTCUSDT. New strategy position is 1": "body",
    "S: order buy @ 1 filled on BTCUSDT. New strategy position is NaN": "body",
    "buy": "body",
    "BTCUSDT": "body",
    "long short": "body",
    "please buy some BTCUSDT for me": "body",
    "{{ticker}} buy": "body",
    '"\\"\\\\\\"buy BTCUSDT\\\\\\"\\""': "body",
}


@pytest.mark.parametrize("body", UNDERSTOOD)
def test_a_messy_alert_means_what_its_author_meant(body):
    assert became(body) == UNDERSTOOD[body]


@pytest.mark.parametrize("body", REFUSED)
def test_an_alert_that_would_need_guessing_is_refused_with_the_field(body):
    error = refuse(body)

    assert error.fields[0].field == REFUSED[body]
    assert len(str(error)) < 1_000


def test_numbers_are_kept_to_the_last_digit_in_every_dialect_of_json():
    price = "95200.123456789012345678"

    for quote in "\"'":
        assert str(read(f"{{{quote}ticker{quote}: 'BTCUSDT', 'action': 'buy', 'price': {price}}}").price) == price


def test_what_a_text_said_is_kept_beside_what_was_read_in_it():
    found = read("long BTCUSDT q=0.1 sl=1000 tp=500")

    assert found.payload["text"] == "long BTCUSDT q=0.1 sl=1000 tp=500"
    assert (found.payload["sl"], found.payload["tp"]) == ("1000", "500")


def test_leverage_stops_and_targets_are_kept_and_not_more():
    told = {"ticker": "BTCUSDT", "action": "buy", "leverage": "125", "stopLoss": "1.5", "takeProfit": "20"}

    assert read(told).payload == told


AGED = {"ticker": "BTCUSDT", "action": "buy", "max_lag": "300"}


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-03-04T05:01:07Z",
        "2026-03-04T06:01:07+01:00",
        "2026-03-04T05:01:07",
        "2026-03-04T05:06:07Z",
        str(int(NOW.timestamp()) - 300),
        int(NOW.timestamp() * 1000) - 300_000,
    ],
)
def test_an_alert_within_its_own_time_limit_is_read(timestamp):
    assert read({**AGED, "timestamp": timestamp}, at=NOW).action


@pytest.mark.parametrize(("late_s", "is_read"), [(299, True), (305, True), (306, False), (86_400, False), (-60, True)])
def test_an_alert_older_than_it_allows_is_refused_with_the_numbers(late_s, is_read):
    alert = {**AGED, "timestamp": NOW.isoformat()}

    if is_read:
        assert read(alert, at=NOW + timedelta(seconds=late_s)).action
    else:
        error = refuse(alert, at=NOW + timedelta(seconds=late_s))

        assert (error.code, error.fields[0].field) == ("stale", "timestamp")
        assert f"{late_s} s old, and max_lag allows 300 s" in str(error)


def test_several_instructions_keep_their_order_and_are_told_apart():
    close, open_long = read_all([{"ticker": "BTCUSDT", "action": "close"}, {"ticker": "BTCUSDT", "action": "long"}])

    assert (close.action, open_long.action) == ("close", "open_long")
    assert close.key != open_long.key


@pytest.mark.parametrize("more", [{"id": "same"}, {"order_id": "Long", "timenow": "2026-03-04T05:06:07Z"}, {}])
def test_two_instructions_of_one_alert_are_never_each_others_repeat(more):
    order = {"ticker": "BTCUSDT", "action": "buy", **more}

    first, again = read_all([order, order]), read_all([order, order])

    assert first[0].key != first[1].key
    assert first == again


@pytest.mark.parametrize("wrong", [{"ticker": "!"}, {"action": "hodl"}, {"price": "cheap"}, {"qty": "-1"}])
def test_one_instruction_that_is_wrong_refuses_all_and_says_which(wrong):
    order = {"ticker": "BTCUSDT", "action": "buy"}

    error = refuse([order, order | wrong, order])

    (name,) = wrong
    assert [one.field for one in error.fields] == [f"[1].{name}"]


RUNAWAYS = {
    "spaces": "a" + " " * 4_000 + "b",
    "commas": ", " * 2_000,
    "pairs": "a=" * 2_000,
    "quotes": '"' * 4_001,
    "letters": "b" * 4_000,
    "words": "buy " * 1_000,
    "orders": ": order buy @ 1 filled on " * 150,
    "labels": "BTCUSDT | BUY Signal\n" + "a: 1 " * 700 + "!",
    "pipes": "|" * 4_000,
    "secrets": "secret: " * 500,
    "ruins": '{"secret"' + " " * 4_000,
    "braces": "{" * 4_000,
    "single quotes": "['" + "\\'" * 2_000,
    "comments": "{" + "/*" * 2_000,
    "names": "{" + "'a':" * 1_000,
    "digits": "1" * 4_000 + ",",
    "placeholders": "{{" * 2_000,
    "colons": "A:" * 2_000,
}


@pytest.mark.parametrize("times", [1, 16])
@pytest.mark.parametrize("case", RUNAWAYS)
def test_no_text_makes_a_pattern_run_away(case, times):
    """One that did would still be at it when the suite's time limit comes."""
    assert refuse(RUNAWAYS[case] * times).fields


texts = st.lists(
    st.sampled_from(
        [
            *(
                "buy",
                "sell",
                "long",
                "close",
                "BTCUSDT",
                "ETH-PERP",
                "BINANCE:BTCUSDT.P",
                "1",
                "-2.5",
                "50%",
                "$20",
                "NaN",
            ),
            *("=", ":", ";", "|", ",", " ", "\n", "\t", "{", "}", "[", "]", '"', "'", "@", "{{", "\\", "\x00", "é"),
            *(
                "symbol",
                "action",
                "qty",
                "s=",
                "b=",
                "c=position",
                "secret=",
                "order ",
                " filled on ",
                "Signal",
                "Position: ",
            ),
        ]
    ),
    max_size=25,
).map("".join)


@PROPERTY
@given(texts)
def test_no_text_raises_anything_but_invalid_input(text):
    try:
        found, refused = read_all(text), ()
    except InvalidInput as error:
        found, refused = (), error.fields

    assert found or refused
    assert all(one.symbol and one.action for one in found)
    assert all(one.field and one.problem for one in refused)


@PROPERTY
@given(st.text(max_size=60))
def test_an_amount_is_more_than_nothing_or_none(text):
    try:
        size = read_size(text)
    except ValueError:
        return
    assert size is None or size.amount > 0


def test_a_percentage_of_the_balance_is_a_percentage():
    assert read_size("12a%") == Size(unit=SizeUnit.PERCENT, amount=12)


def test_a_text_with_the_secret_offered_beside_it_keeps_its_first_line():
    assert became(f"{SECRET}\nbuy BTCUSDT") == "buy BTCUSDT"
    assert became("flat BTCUSDT\nbuy BTCUSDT") == "close BTCUSDT; buy BTCUSDT"


@pytest.mark.parametrize("name", ["id", "ticker", "action", "note"])
@pytest.mark.parametrize("value", ["\\ud800", "\\u0000", "a\\udfffb"])
def test_half_a_character_inside_a_text_inside_json_can_be_written_out(name, value):
    inner = f'{{"ticker": "BTCUSDT", "action": "buy", "{name}": "{value}"}}'

    try:
        found = repr(read({"message": inner}))
    except InvalidInput as error:
        found = str(error)

    assert found.encode()


@pytest.mark.parametrize("quote", ["'", '""'])
def test_loose_json_is_read_only_for_somebody_who_is_known(quote):
    """Its reader takes ten microseconds a character: strangers would keep the hub busy with it."""
    body = "{'ticker': 'BTCUSDT', 'action': 'buy', 'secret': 'a secret of its own'}".replace("'", quote)

    alert = open_alert(body.encode())

    assert alert.secret == "a secret of its own"
    assert alert.documents == ()
    assert [told(one) for one in read_alert(alert, NOW)] == ["buy BTCUSDT"]
