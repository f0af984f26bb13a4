"""The checker can fail, for each of its invariants; and a short matrix on real processes passes."""

import copy
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from kill_matrix.checker import examine

TESTS = Path(__file__).parent.parent
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NUMBERS = [f"01kjvktdm{number:017}" for number in range(9)]
OPENED, CLOSED, SIGNAL, LATER, SUBSCRIPTION, ACCOUNT = NUMBERS[:6]


def at(seconds):
    return AT + timedelta(seconds=seconds)


def execution(identity, signal, leg, **changes):
    return {
        "id": identity,
        "signal_id": signal,
        "subscription_id": SUBSCRIPTION,
        "account_id": ACCOUNT,
        "leg": leg,
        "symbol": "BTCUSDT",
        "state": "FILLED",
        "reason": None,
        "executed_quantity": Decimal("0.010"),
        "attempt": 1,
        "request": {"symbol": "BTCUSDT"},
        "frozen_at": at(1),
        "expires_at": at(30),
        "fraction": Decimal(1),
        "created_at": at(1),
    } | changes


def order(identity, side, seconds, **changes):
    return {
        "order_id": "7",
        "client_order_id": f"cd-{identity}",
        "account": "key",
        "symbol": "BTCUSDT",
        "side": side,
        "status": "FILLED",
        "executed_quantity": "0.010",
        "time": at(seconds).isoformat(),
    } | changes


def fill(side):
    return {"account": "key", "symbol": "BTCUSDT", "side": side, "quantity": "0.010"}


def events():
    told = [
        (OPENED, 1, "SENDING"),
        (OPENED, 1.1, "UNKNOWN"),
        (OPENED, 3, "FILLED"),
        (CLOSED, 5, "SENDING"),
        (CLOSED, 6, "FILLED"),
    ]
    return [
        {"number": number, "execution_id": identity, "at": at(seconds), "state": state, "note": None, "epoch": 1}
        for number, (identity, seconds, state) in enumerate(told, 1)
    ]


def audit():
    line = {
        "number": 1,
        "at": AT,
        "actor": "ada",
        "action": "user.create",
        "subject": "x",
        "details": {},
        "previous_hash": "0",
    }
    text = json.dumps(line | {"at": AT.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}, sort_keys=True, separators=(",", ":"))
    return [line | {"hash": hashlib.sha256(text.encode()).hexdigest()}]


@pytest.fixture
def story():
    """An opening whose answer was lost, and its close: everything as it should be."""
    ledger = {
        "orders": [order(OPENED, "BUY", 1), order(CLOSED, "SELL", 5)],
        "fills": [fill("BUY"), fill("SELL")],
        "positions": [],
    }
    tables = {
        "executions": [execution(OPENED, SIGNAL, "open"), execution(CLOSED, LATER, "close")],
        "events": events(),
        "signals": [{"id": identity, "bot_id": "bot", "steps": [{}], "payload": {}} for identity in (SIGNAL, LATER)],
        "subscriptions": [{"id": SUBSCRIPTION, "bot_id": "bot", "account_id": ACCOUNT, "created_at": AT}],
        "positions": [],
        "audit": audit(),
        "leases": [{"duty": "desk", "epoch": 1}],
    }
    facts = {
        "acknowledged": [SIGNAL, LATER],
        "calm_since": at(4).isoformat(),
        "breakers": [["stop_opens", at(20).isoformat()], ["release", at(25).isoformat()]],
        "accounts": {ACCOUNT: "key"},
    }
    return ledger, tables, facts


def violated(ledger, tables, facts):
    return {name for name, found in examine(ledger, tables, facts).items() if found["violations"]}


def test_a_story_that_went_well_violates_nothing_and_everything_is_checked(story):
    found = examine(*story)

    assert violated(*story) == set()
    assert set(found) == {"I1", "I2", "I3", "I4", "I5", "I6", "I9", "I10", "I11", "I12", "I13"}
    assert all(each["checked"] > 0 for each in found.values())


def nobody_knows_it(ledger, _tables, _facts):
    ledger["orders"].append(order(NUMBERS[8], "BUY", 2, executed_quantity="0"))


def it_was_not_written_down(_ledger, tables, _facts):
    tables["events"] = [one for one in tables["events"] if one["state"] != "SENDING"]


def the_venue_filled_more(ledger, _tables, _facts):
    ledger["orders"][1]["executed_quantity"] = "0.005"


def a_fill_was_imagined(ledger, _tables, _facts):
    del ledger["orders"][1]


def it_was_opened_twice(ledger, _tables, _facts):
    ledger["orders"].append(order(f"{OPENED}-2", "BUY", 2))


def an_opening_was_tried_again(_ledger, tables, _facts):
    tables["executions"][0]["attempt"] = 2


def an_acknowledged_signal_is_lost(_ledger, _tables, facts):
    facts["acknowledged"].append(NUMBERS[7])


def a_follower_got_no_answer(_ledger, tables, _facts):
    tables["subscriptions"].append({"id": NUMBERS[6], "bot_id": "bot", "account_id": ACCOUNT, "created_at": AT})


def nobody_said_why(_ledger, tables, _facts):
    tables["executions"][1]["state"] = "SKIPPED"


def it_opened_late(ledger, _tables, _facts):
    ledger["orders"][0]["time"] = at(34).isoformat()


def we_hold_what_the_venue_does_not(_ledger, tables, _facts):
    position = {"account_id": ACCOUNT, "symbol": "BTCUSDT", "direction": "long", "quantity": Decimal("0.010")}
    tables["positions"].append(position)


def fills_do_not_add_up(ledger, _tables, _facts):
    del ledger["fills"][1]


def the_close_overtook_its_opening(_ledger, tables, _facts):
    first, second, third, fourth, fifth = tables["events"]
    tables["events"] = [first, second, fourth, third, fifth]


def it_stayed_unknown_for_long(_ledger, tables, _facts):
    tables["events"][2]["at"] = at(70)


def it_opened_behind_the_breaker(ledger, _tables, _facts):
    ledger["orders"][0]["time"] = at(22).isoformat()


def somebody_rewrote_the_audit(_ledger, tables, _facts):
    tables["audit"][0]["actor"] = "eve"


def a_replaced_desk_wrote(_ledger, tables, _facts):
    tables["events"][3]["epoch"] = 2


def it_never_came_to_rest(_ledger, tables, _facts):
    tables["executions"][0]["state"] = "UNKNOWN"


def a_review_without_a_word(_ledger, tables, _facts):
    tables["executions"][1] |= {"state": "REVIEW", "reason": "?"}


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (nobody_knows_it, "I1"),
        (it_was_not_written_down, "I1"),
        (the_venue_filled_more, "I1"),
        (a_fill_was_imagined, "I1"),
        (it_was_opened_twice, "I2"),
        (an_opening_was_tried_again, "I2"),
        (an_acknowledged_signal_is_lost, "I3"),
        (a_follower_got_no_answer, "I3"),
        (nobody_said_why, "I3"),
        (it_opened_late, "I4"),
        (we_hold_what_the_venue_does_not, "I5"),
        (fills_do_not_add_up, "I5"),
        (the_close_overtook_its_opening, "I6"),
        (it_stayed_unknown_for_long, "I9"),
        (it_opened_behind_the_breaker, "I10"),
        (somebody_rewrote_the_audit, "I11"),
        (a_replaced_desk_wrote, "I12"),
        (it_never_came_to_rest, "I13"),
        (a_review_without_a_word, "I13"),
    ],
)
def test_the_checker_sees_each_way_of_going_wrong(story, damage, invariant):
    ledger, tables, facts = copy.deepcopy(story)

    damage(ledger, tables, facts)

    assert invariant in violated(ledger, tables, facts)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database", ["postgres"])
def test_a_short_matrix_loses_and_doubles_nothing(tmp_path, database):
    told = tmp_path / "matrix.json"
    command = [
        sys.executable,
        "-m",
        "kill_matrix",
        "--kills",
        "4",
        "--seed",
        "3",
        "--database",
        database,
        "--json",
        str(told),
    ]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(told.read_text())
    assert found["problems"] == []
    assert sum(point["kills"] for point in found["points"].values()) >= 4
