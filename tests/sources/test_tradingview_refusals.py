"""Alerts that cannot be used: refused with the field and what would be right, whatever the bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import InvalidInput
from copydesk.sources.tradingview import SECRET_NAMES, open_alert, read_alert
from copydesk.sources.tradingview.instruction import ACTION_NAMES, LABEL_NAMES, PRICE_NAMES, SIZE_NAMES, SYMBOL_NAMES
from copydesk.sources.tradingview.repeats import ID_NAMES
from store_support import NOW, PROPERTY

POSITION_NAMES = ("market_position", "market_position_size", "prev_market_position", "prev_market_position_size")


def refuse(document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(InvalidInput) as refused:
        read_alert(open_alert(body), NOW)
    return refused.value


def fields(error):
    return [one.field for one in error.fields]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, ["ticker", "action"]),
        ({"ticker": "BTCUSDT"}, ["action"]),
        ({"action": "buy"}, ["ticker"]),
        ({"ticker": "", "action": ""}, ["ticker", "action"]),
        ({"ticker": None, "action": []}, ["ticker", "action"]),
        ({"ticker": "BTC USDT", "action": "buy"}, ["ticker"]),
        ({"ticker": "BTCUSDT", "action": "hold"}, ["action"]),
        ({"ticker": "BTCUSDT", "action": "open"}, ["action"]),
        ({"ticker": "BTCUSDT", "action": "buy", "price": "cheap"}, ["price"]),
        ({"ticker": "BTCUSDT", "action": "buy", "price": "45,000"}, ["price"]),
        ({"ticker": "BTCUSDT", "action": "buy", "price": "45,000.50"}, ["price"]),
        ({"ticker": "BTCUSDT", "action": "buy", "close": {"x": 1}}, ["close"]),
        ({"ticker": "BTCUSDT", "action": "buy", "trigger_price": "Infinity"}, ["trigger_price"]),
        ({"ticker": "BTCUSDT", "action": "buy", "market_position": "sideways"}, ["market_position"]),
        (
            {"ticker": "BTCUSDT", "action": "buy", "market_position": "long", "market_position_size": "much"},
            ["market_position_size"],
        ),
        ({"ticker": "!", "action": "hold", "price": "cheap"}, ["ticker", "action", "price"]),
    ],
)
def test_every_field_that_is_wrong_is_named(document, expected):
    error = refuse(document)

    assert fields(error) == expected
    assert error.code == "not_understood"
    assert all(one.problem in str(error) for one in error.fields)


def test_what_was_found_and_what_would_be_right_are_told():
    error = refuse({"ticker": "BTC USDT", "action": "hold"})

    assert "'BTC USDT' is not understood" in str(error)
    assert "BINANCE:BTCUSDT.P" in str(error)
    assert "'hold'" in str(error)
    assert "buy, sell, close" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b"[]",
        b"[7]",
        b'["buy BTCUSDT"]',
        b"hello",
        b'{"ticker": "BTCUSDT", "action": "buy"',
        b'{"ticker": "BTCUSDT", "action": "buy"} trailing',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"ticker": "BTCUSDT", "action": "buy", "n": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused_as_a_body(body):
    error = refuse(body)

    assert (fields(error), error.code) == (["body"], "not_understood")
    assert "JSON object" in str(error)


@pytest.mark.parametrize("body", [b'{"ticker": "BTCUSDT\xff", "action": "buy"}', b"\xff\xfe\x00"])
def test_what_is_no_text_is_refused_as_a_body(body):
    error = refuse(body)

    assert fields(error) == ["body"]
    assert "UTF-8" in str(error)


@pytest.mark.parametrize(
    "placeholder", ["{{ticker}}", "{{strategy.order.action}}", '{{plot("x")}}', "{{close", "{{strategy.order.id}"]
)
def test_a_placeholder_that_was_not_filled_in_is_refused_and_shown(placeholder):
    error = refuse({"ticker": "BTCUSDT", "action": "buy", "comment": placeholder})

    assert (fields(error), error.code) == (["body"], "placeholder")
    assert placeholder.split('"')[0] in str(error)


def test_a_placeholder_in_plain_text_is_told_as_a_placeholder():
    assert refuse(b"buy {{ticker}}").code == "placeholder"


@pytest.mark.parametrize("field", ["ticker", "action", "market_position"])
def test_a_refusal_does_not_repeat_a_text_of_any_length(field):
    error = refuse({"ticker": "BTCUSDT", "action": "buy", field: "x" * 60_000})

    assert len(str(error)) < 1_000


def test_a_refused_price_is_not_repeated_in_any_length():
    error = refuse({"ticker": "BTCUSDT", "action": "buy", "price": "x" * 60_000})

    assert len(str(error)) < 1_000


@pytest.mark.parametrize("price", ["1e999999", "1e-999999", "9e999999999"])
def test_a_price_of_a_million_digits_is_refused(price):
    assert fields(refuse({"ticker": "BTCUSDT", "action": "buy", "price": price})) == ["price"]


def test_a_size_of_a_million_digits_is_refused():
    document = {"ticker": "BTCUSDT", "action": "buy", "market_position": "long", "market_position_size": "1e9999999"}

    assert fields(refuse(document)) == ["market_position_size"]


def test_an_id_with_half_a_surrogate_pair_is_read_or_refused():
    alert = open_alert(b'{"ticker": "BTCUSDT", "action": "buy", "id": "\\ud800"}')

    try:
        read_alert(alert, NOW)
    except InvalidInput as error:
        assert fields(error) == ["id"]  # noqa: PT017  either answer is right, any other error is not


def never_surprises(body):
    alert = open_alert(body)
    assert alert.body == body
    try:
        found, refused = read_alert(alert, NOW), None
    except InvalidInput as error:
        found, refused = None, error
    if found is None:
        assert refused.fields
        assert all(one.field and one.problem for one in refused.fields)
    else:
        assert found
        assert all(one.symbol for one in found)
        assert not any(set(one.payload) & set(SECRET_NAMES) for one in found)


@PROPERTY
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_invalid_input(body):
    never_surprises(body)


words = st.sampled_from(
    ["buy", "sell", "close", "open", "long", "short", "flat", "BTCUSDT", "BTC/USDT:USDT", "na", "{{x}}"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        *(
            *SYMBOL_NAMES,
            *ACTION_NAMES,
            *LABEL_NAMES,
            *PRICE_NAMES,
            *SIZE_NAMES,
            *ID_NAMES,
            *SECRET_NAMES,
            *POSITION_NAMES,
        ),
        *("side", "order_id", "timenow", "strategy_info", "contracts", "marketPosition"),
    ]
)


@PROPERTY
@given(st.dictionaries(names | st.text(max_size=5), values, max_size=10))
def test_no_json_object_raises_anything_but_invalid_input(document):
    never_surprises(json.dumps(document).encode())


@PROPERTY
@given(document=st.dictionaries(names, values, max_size=6), ticker=words, action=words)
def test_no_almost_right_alert_raises_anything_but_invalid_input(document, ticker, action):
    never_surprises(json.dumps({**document, "ticker": ticker, "action": action}).encode())


@PROPERTY
@given(data=st.data())
def test_no_damaged_alert_raises_anything_but_invalid_input(data):
    body = bytearray(b'{"ticker": "BINANCE:BTCUSDT.P", "action": "buy", "price": "95200.5", "id": "7"}')
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        place = data.draw(st.integers(min_value=0, max_value=len(body) - 1))
        body[place] = data.draw(st.integers(min_value=0, max_value=255))

    never_surprises(bytes(body))
