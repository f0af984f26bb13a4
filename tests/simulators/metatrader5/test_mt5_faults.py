"""Faults on order: what a program sees, and whether the trade exists all the same."""

import time

import pytest
from mt5_simulator_support import market, opened


def order_with(mt5, broker, **fault):
    broker.tell("faults", **({"next_n": 1} | fault))
    result = market(mt5, mt5.ORDER_TYPE_BUY)
    return (None if result is None else result.retcode), len(broker.ledger(1001)["fills"])


@pytest.mark.parametrize(
    ("kind", "retcode", "fills"),
    [
        ("requote", 10004, 0),
        ("price_off", 10021, 0),
        ("reject", 10006, 0),
        ("rate_limit", 10024, 0),
        ("disconnect", 10031, 0),
        ("autotrading_off", 10027, 0),
        ("unknown_not_executed", 10012, 0),
        ("unknown_executed", 10012, 1),
        ("partial", 10010, 1),
        ("none", None, 0),
        ("drop_before", None, 0),
        ("drop_after", None, 1),
    ],
)
def test_a_fault_hits_one_order_and_the_ledger_knows_the_truth(mt5, broker, kind, retcode, fills):
    assert order_with(mt5, broker, kind=kind) == (retcode, fills)

    if kind.startswith("drop"):
        assert mt5.last_error() == (-10002, "IPC recv failed")
        assert mt5.initialize()
    elif kind == "none":
        assert mt5.last_error() == (-1, "Terminal: Call failed")
    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == mt5.TRADE_RETCODE_DONE
    assert broker.ask("GET", "/_sim/faults")[1] == {"faults": []}


def test_any_retcode_can_be_ordered(mt5, broker):
    assert order_with(mt5, broker, kind="retcode", code=10028) == (10028, 0)
    assert broker.ask("POST", "/_sim/faults", {"kind": "retcode", "code": 1})[0] == 400


def test_a_slow_call_takes_its_time_and_beyond_the_timeout_it_is_unknown(mt5, broker):
    began = time.monotonic()
    assert order_with(mt5, broker, kind="delay_before", delay_s=0.2) == (10009, 1)
    assert time.monotonic() - began >= 0.2

    assert mt5.initialize(timeout=200)
    assert order_with(mt5, broker, kind="delay_after", delay_s=5)[0] is None
    assert mt5.last_error() == (-10005, "IPC timeout")
    assert len(broker.ledger(1001)["fills"]) == 2


def test_reading_calls_answer_nothing_at_first_although_it_exists(mt5, broker):
    opened(mt5, mt5.ORDER_TYPE_BUY)
    broker.tell("faults", kind="late_not_found", function="*", next_n=2)
    assert mt5.account_info().login == 1001

    assert mt5.positions_get() == ()
    assert mt5.history_deals_get(0, 2**31) == ()
    assert len(mt5.positions_get()) == 1


def test_a_fault_may_be_about_one_account_or_one_function(mt5, broker):
    broker.tell("faults", kind="reject", account=1002)
    broker.tell("faults", kind="none", function="positions_get", code=-10000, next_n=1)

    assert market(mt5, mt5.ORDER_TYPE_BUY).retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.positions_get() is None
    assert mt5.last_error() == (-10000, "IPC call failed")
    assert len(mt5.positions_get()) == 1


def test_chance_is_seeded_and_faults_are_cleared(mt5, broker):
    broker.tell("faults", kind="reject", probability=0.5)
    answers = {market(mt5, mt5.ORDER_TYPE_BUY, 0.01).retcode for _ in range(30)}
    broker.ask("DELETE", "/_sim/faults")

    assert answers == {10006, 10009}
    assert {market(mt5, mt5.ORDER_TYPE_BUY, 0.01).retcode for _ in range(10)} == {10009}


@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("faults", {"kind": "html_502"}),
        ("faults", {"kind": "nonsense"}),
        ("faults", {"kind": "reject", "next_n": 0}),
        ("faults", {"kind": "reject", "function": "account_info"}),
        ("faults", {"kind": "none", "code": 7}),
        ("faults", {"kind": "reject", "colour": "red"}),
        ("price", {"symbol": "NOSUCH", "price": "1"}),
        ("price", {"symbol": "EURUSD", "price": "0"}),
        ("accounts", {"login": 5}),
        ("accounts", {"login": 5, "password": "p", "leverage": 0}),
        ("terminals", {"path": "C:\\x", "login": 12345}),
        ("symbols", {"symbol": "EURUSD", "trade_mode": "sometimes"}),
        ("trade", {"account": 12345, "request": {}}),
        ("time", {"advance_ms": -1}),
    ],
)
def test_a_door_names_the_callers_mistake(broker, door, body):
    status, answer = broker.ask("POST", f"/_sim/{door}", body)

    assert status == 400
    assert answer["error"]["code"] == "bad_input"
    assert answer["error"]["message"]


def test_an_unknown_door_and_a_broken_body_are_answered(broker):
    assert broker.ask("GET", "/_sim/nowhere")[0] == 404
    assert broker.ask("POST", "/_sim/price", [])[0] == 400
    assert broker.ask("POST", "/terminal", {"call": "version"})[0] == 400


def test_the_ledger_has_the_fields_of_the_contract(mt5, broker):
    ticket = opened(mt5, mt5.ORDER_TYPE_BUY, 0.3, comment="tag")
    market(mt5, mt5.ORDER_TYPE_SELL, 0.1, position=ticket)

    ledger = broker.ledger(1001)

    first, second = ledger["orders"]
    assert (first["order_id"], first["client_order_id"], first["account"]) == (str(ticket), "tag", "1001")
    assert (first["side"], first["type"], first["quantity"], first["status"]) == ("BUY", "MARKET", "0.3", "FILLED")
    assert (first["reduce_only"], second["reduce_only"]) == (False, True)
    assert first["time"] == "2026-01-04T22:00:00.000Z", "UTC, two hours behind the server's clock"
    assert [(each["side"], each["quantity"], each["fee"]) for each in ledger["fills"]] == [
        ("BUY", "0.3", "0"),
        ("SELL", "0.1", "0"),
    ]
    assert [(each["side"], each["quantity"]) for each in ledger["positions"]] == [("LONG", "0.2")]
    assert broker.ledger(1002)["orders"] == []
