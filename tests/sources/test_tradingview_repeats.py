"""What makes an alert a repeat of another: its own id, its order and moment, else its very words for a minute."""

import json

import pytest

from copydesk.sources.tradingview import open_alert, read_alert
from store_support import NOW

ALERT = {"ticker": "BTCUSDT", "action": "buy"}
DAY_S, MINUTE_S = 86_400, 60


def key(**more):
    return key_of_body(json.dumps(ALERT | more).encode())


def key_of_body(body):
    (found,) = read_alert(open_alert(body), NOW)
    return found.key, found.key_ttl_s


@pytest.mark.parametrize("name", ["id", "signal_id", "event_id"])
def test_an_explicit_id_makes_the_key_for_a_day(name):
    first = key(**{name: "alert 7"})

    assert first[1] == DAY_S
    assert key(**{name: "alert 7", "price": "1", "action": "sell"}) == first
    assert key(**{name: "alert 8"}) != first


def test_a_number_is_an_id_like_its_text():
    assert key(id=7) == key(id="7")
    assert key(id=0) != key(id=7)
    assert key(id=0)[1] == DAY_S


@pytest.mark.parametrize("nothing", [None, "", " ", [], {}, 1.5])
def test_an_empty_id_is_no_id(nothing):
    assert key(id=nothing)[1] == MINUTE_S


@pytest.mark.parametrize("nothing", ["NaN", "na"])
def test_a_missing_id_is_no_id(nothing):
    assert key(id=nothing)[1] == MINUTE_S


def test_a_truth_value_is_no_id():
    assert key(id=True)[1] == MINUTE_S


def test_an_order_and_its_moment_make_the_key_for_a_day():
    order = {"order_id": "Long", "timenow": "2026-03-04T05:06:07Z", "contracts": "1", "market_position": "long"}
    first = key(**order)

    assert first[1] == DAY_S
    assert key(**order, price="95200", interval="15") == first
    for name, other in (
        ("order_id", "Short"),
        ("timenow", "2026-03-04T05:06:08Z"),
        ("contracts", "2"),
        ("market_position", "flat"),
        ("action", "sell"),
    ):
        assert key(**(order | {name: other})) != first


@pytest.mark.parametrize("half", [{"order_id": "Long"}, {"timenow": "2026-03-04T05:06:07Z"}])
def test_half_of_an_order_and_moment_is_no_key(half):
    assert key(**half)[1] == MINUTE_S


def test_parts_of_the_key_cannot_be_shifted_into_each_other():
    first = key(order_id="a", timenow="b c", contracts="")
    second = key(order_id="a b", timenow="c", contracts="")

    assert first != second


def test_without_an_id_the_very_words_count_for_a_minute():
    body = json.dumps(ALERT).encode()

    assert key_of_body(body) == key_of_body(body)
    assert key_of_body(body)[1] == MINUTE_S
    assert key_of_body(body + b" ") != key_of_body(body)
    assert key(price="1") != key(price="2")


@pytest.mark.parametrize("name", ["alert_id", "tag", "tags", "name", "bot_uuid", "message", "strategy_id"])
def test_a_constant_label_is_no_id_and_only_joins_the_words(name):
    one = key(**{name: "tv-btc-long-open"}, price="1")
    two = key(**{name: "tv-btc-long-open"}, price="2")

    assert one[1] == two[1] == MINUTE_S
    assert one != two


def test_an_id_and_an_order_never_make_the_same_key():
    kinds = [key(id="x"), key(order_id="x", timenow="y"), key()]

    assert [one[0].partition(":")[0] for one in kinds] == ["id", "order", "body"]


def test_the_key_does_not_depend_on_when_the_alert_came():
    alert = open_alert(json.dumps(ALERT).encode())

    assert read_alert(alert, NOW) == read_alert(alert, NOW.replace(year=2030))


def test_a_key_shows_nothing_of_the_alert():
    found, _ = key(secret="made-up", id="made-up-id")

    assert "made-up" not in found
