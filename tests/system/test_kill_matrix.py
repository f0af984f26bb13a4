"""The checker can fail, for each of its invariants; and a short matrix on real processes passes."""

import copy
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from kill_matrix.checker import QUERIES, examine

TESTS = Path(__file__).parent.parent
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NUMBERS = [f"01kjvktdm{number:017}" for number in range(9)]
OPENED, CLOSED, SIGNAL, LATER, SUBSCRIPTION, ACCOUNT = NUMBERS[:6]


def at(seconds):
    return AT + timedelta(seconds=seconds)


def execution(identity, signal, leg, side, **changes):
    request = {"symbol": "BTCUSDT", "side": side, "quantity": "0.010", "newClientOrderId": f"cd-{identity}"}
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
        "request": request,
        "expires_at": at(30),
    } | changes


def order(identity, side, seconds, **changes):
    return {
        "order_id": f"{seconds}",
        "client_order_id": f"cd-{identity}",
        "account": "key",
        "symbol": "BTCUSDT",
        "side": side,
        "status": "FILLED",
        "reduce_only": side == "SELL",
        "quantity": "0.010",
        "executed_quantity": "0.010",
        "time": at(seconds).isoformat(),
    } | changes


def fill(side, seconds):
    return {
        "order_id": f"{seconds}",
        "account": "key",
        "symbol": "BTCUSDT",
        "side": side,
        "quantity": "0.010",
        "time": at(seconds).isoformat(),
    }


def events():
    told = [
        (OPENED, 0.9, "SENDING"),
        (OPENED, 1.1, "UNKNOWN"),
        (OPENED, 3, "FILLED"),
        (CLOSED, 4.9, "SENDING"),
        (CLOSED, 6, "FILLED"),
    ]
    return [
        {"number": number, "execution_id": identity, "at": at(seconds), "state": state, "note": None, "epoch": 1}
        for number, (identity, seconds, state) in enumerate(told, 1)
    ]


def hashed(line):
    text = json.dumps(
        line | {"at": line["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")}, sort_keys=True, separators=(",", ":")
    )
    return line | {"hash": hashlib.sha256(text.encode()).hexdigest()}


def audit():
    line = {"number": 1, "at": AT, "actor": "ada", "action": "user.create", "subject": "x", "details": {}}
    first = hashed(line | {"previous_hash": "0" * 64})
    return [first, hashed(line | {"number": 2, "action": "breaker", "previous_hash": first["hash"]})]


@pytest.fixture
def story():
    """An opening whose answer was lost, and its close: everything as it should be."""
    ledger = {
        "orders": [order(OPENED, "BUY", 1), order(CLOSED, "SELL", 5)],
        "fills": [fill("BUY", 1), fill("SELL", 5)],
        "positions": [],
    }
    signals = [
        {"id": identity, "bot_id": "bot", "steps": [{}], "payload": {"id": f"alert-{identity}"}}
        for identity in (SIGNAL, LATER)
    ]
    tables = {
        "executions": [execution(OPENED, SIGNAL, "open", "BUY"), execution(CLOSED, LATER, "close", "SELL")],
        "events": events(),
        "signals": signals,
        "subscriptions": [{"id": SUBSCRIPTION, "bot_id": "bot"}],
        "positions": [],
        "audit": audit(),
        "leases": [{"duty": "desk", "epoch": 1}],
    }
    facts = {
        "acknowledged": [SIGNAL, LATER],
        "answers": {f"alert-{SIGNAL}": [SIGNAL]},
        "calm_since": at(4).isoformat(),
        "breakers": [["stop_opens", at(20).isoformat()], ["release", at(25).isoformat()]],
        "accounts": {ACCOUNT: "key"},
        "woken": [[]],
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


def it_was_written_down_afterwards(_ledger, tables, _facts):
    tables["events"][3]["at"] = at(5.2)


def a_second_attempt_was_not_written_down(ledger, _tables, _facts):
    ledger["orders"].append(order(f"{CLOSED}-2", "SELL", 6, executed_quantity="0"))


def less_was_opened_than_was_frozen(ledger, _tables, _facts):
    ledger["orders"][0]["quantity"] = "0.009"


def more_was_closed_than_was_frozen(ledger, _tables, _facts):
    ledger["orders"][1]["quantity"] = "0.011"


def nothing_was_frozen(_ledger, tables, _facts):
    tables["executions"][0]["request"] = None


def it_went_to_another_account(_ledger, _tables, facts):
    facts["accounts"][ACCOUNT] = "another key"


def the_venue_filled_more(ledger, _tables, _facts):
    ledger["orders"][1]["executed_quantity"] = "0.005"


def a_fill_was_imagined(ledger, _tables, _facts):
    del ledger["orders"][1]


def somebody_traded_beside_the_desk(ledger, _tables, _facts):
    ledger["fills"].append(fill("BUY", 9))


def it_was_opened_twice(ledger, _tables, _facts):
    ledger["orders"].append(order(f"{OPENED}-2", "BUY", 2))


def it_was_opened_twice_under_one_id(ledger, _tables, _facts):
    ledger["orders"].append(order(OPENED, "BUY", 2))


def an_opening_was_tried_again(_ledger, tables, _facts):
    tables["executions"][0]["attempt"] = 2


def one_alert_became_two_signals(_ledger, tables, _facts):
    tables["signals"][1]["payload"]["id"] = f"alert-{SIGNAL}"


def one_alert_was_answered_with_two_signals(_ledger, _tables, facts):
    facts["answers"][f"alert-{SIGNAL}"].append(LATER)


def an_acknowledged_signal_is_lost(_ledger, _tables, facts):
    facts["acknowledged"].append(NUMBERS[7])


def a_follower_got_no_answer(_ledger, tables, _facts):
    tables["subscriptions"].append({"id": NUMBERS[6], "bot_id": "bot"})


def a_follower_got_one_leg_of_two(_ledger, tables, _facts):
    tables["signals"][0]["steps"].append({})


def nobody_said_why(_ledger, tables, _facts):
    tables["executions"][1]["state"] = "SKIPPED"


def it_opened_late(ledger, _tables, _facts):
    ledger["fills"][0]["time"] = at(34).isoformat()


def we_hold_what_the_venue_does_not(_ledger, tables, _facts):
    position = {"account_id": ACCOUNT, "symbol": "BTCUSDT", "direction": "long", "quantity": Decimal("0.010")}
    tables["positions"].append(position)


def fills_do_not_add_up(ledger, _tables, _facts):
    del ledger["fills"][1]


def the_close_overtook_its_opening(_ledger, tables, _facts):
    first, second, third, fourth, fifth = tables["events"]
    tables["events"] = [first, second, fourth, third, fifth]


def the_close_was_at_the_venue_before_its_opening_was_final(_ledger, tables, _facts):
    tables["events"][2]["at"] = at(5.5)


def it_stayed_unknown_for_long(_ledger, tables, _facts):
    tables["events"][2]["at"] = at(70)


def it_is_unknown_for_ever(_ledger, tables, _facts):
    del tables["events"][2]


def it_opened_behind_the_breaker(ledger, _tables, _facts):
    ledger["orders"][0]["time"] = at(22).isoformat()


def somebody_rewrote_the_audit(_ledger, tables, _facts):
    tables["audit"][0]["actor"] = "eve"


def a_line_of_the_audit_was_taken_out(_ledger, tables, _facts):
    del tables["audit"][0]


def a_replaced_desk_wrote(_ledger, tables, _facts):
    tables["events"][3]["epoch"] = 2
    tables["leases"][0]["epoch"] = 2


def a_desk_wrote_ahead_of_its_lease(_ledger, tables, _facts):
    tables["events"][4]["epoch"] = 2


def a_replaced_desk_woke_up_and_sent(_ledger, _tables, facts):
    facts["woken"].append(["POST order"])


def it_never_came_to_rest(_ledger, tables, _facts):
    tables["executions"][0]["state"] = "UNKNOWN"


def a_review_without_a_word(_ledger, tables, _facts):
    tables["executions"][1] |= {"state": "REVIEW", "reason": "?"}


def a_stop_stands_where_nothing_is_held(ledger, tables, _facts):
    stop = execution(NUMBERS[6], SIGNAL, "stop_loss", "SELL", state="WORKING", executed_quantity=Decimal(0))
    tables["executions"].append(stop)
    ledger["orders"].append(order(NUMBERS[6], "SELL", 4, status="NEW", executed_quantity="0"))


def it_came_to_rest_too_late(_ledger, tables, _facts):
    tables["events"][4]["at"] = at(130)


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (nobody_knows_it, "I1"),
        (it_was_not_written_down, "I1"),
        (it_was_written_down_afterwards, "I1"),
        (a_second_attempt_was_not_written_down, "I1"),
        (less_was_opened_than_was_frozen, "I1"),
        (more_was_closed_than_was_frozen, "I1"),
        (nothing_was_frozen, "I1"),
        (it_went_to_another_account, "I1"),
        (the_venue_filled_more, "I1"),
        (a_fill_was_imagined, "I1"),
        (somebody_traded_beside_the_desk, "I1"),
        (it_was_opened_twice, "I2"),
        (it_was_opened_twice_under_one_id, "I2"),
        (an_opening_was_tried_again, "I2"),
        (one_alert_became_two_signals, "I2"),
        (one_alert_was_answered_with_two_signals, "I2"),
        (an_acknowledged_signal_is_lost, "I3"),
        (a_follower_got_no_answer, "I3"),
        (a_follower_got_one_leg_of_two, "I3"),
        (nobody_said_why, "I3"),
        (it_opened_late, "I4"),
        (we_hold_what_the_venue_does_not, "I5"),
        (fills_do_not_add_up, "I5"),
        (the_close_overtook_its_opening, "I6"),
        (the_close_was_at_the_venue_before_its_opening_was_final, "I6"),
        (it_stayed_unknown_for_long, "I9"),
        (it_is_unknown_for_ever, "I9"),
        (it_opened_behind_the_breaker, "I10"),
        (somebody_rewrote_the_audit, "I11"),
        (a_line_of_the_audit_was_taken_out, "I11"),
        (a_replaced_desk_wrote, "I12"),
        (a_desk_wrote_ahead_of_its_lease, "I12"),
        (a_replaced_desk_woke_up_and_sent, "I12"),
        (it_never_came_to_rest, "I13"),
        (a_review_without_a_word, "I13"),
        (a_stop_stands_where_nothing_is_held, "I13"),
        (it_came_to_rest_too_late, "I13"),
    ],
)
def test_the_checker_sees_each_way_of_going_wrong(story, damage, invariant):
    ledger, tables, facts = copy.deepcopy(story)

    damage(ledger, tables, facts)

    assert invariant in violated(ledger, tables, facts)


def test_a_close_may_be_cut_by_the_exchange_to_what_there_was_to_reduce(story):
    story[0]["orders"][1]["quantity"] = "0.007"

    assert violated(*story) == set()


def test_a_violation_names_the_signal_that_it_happened_to(story):
    ledger, tables, facts = story
    it_was_opened_twice_under_one_id(ledger, tables, facts)

    found = examine(ledger, tables, facts)["I2"]["violations"]

    assert {one["signal"] for one in found} == {SIGNAL, None}


def as_text(value):
    """As SQLite keeps it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value) if isinstance(value, dict | list) else value


def write_database(path, tables):
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, query in QUERIES.items():
            columns = query.removeprefix("SELECT ").partition(" FROM ")[0].split(", ")
            table = query.partition(" FROM ")[2].split()[0]
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            rows = [[as_text(row[column]) for column in columns] for row in tables[name]]
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)


@pytest.fixture
def check(tmp_path, story):
    """The script as it is run: the ledger over HTTP, the database by SQL, a Python that finds nothing of ours."""
    ledger, tables, facts = story

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(ledger).encode())

        def log_message(self, *told):
            """Nobody needs to hear."""

    def run():
        write_database(tmp_path / "desk.db", tables)
        (tmp_path / "facts.json").write_text(json.dumps(facts))
        server = HTTPServer(("127.0.0.1", 0), Door)
        threading.Thread(target=server.handle_request, daemon=True).start()
        given = {
            "--ledger": f"http://127.0.0.1:{server.server_port}/_sim/ledger",
            "--database": f"sqlite:///{tmp_path / 'desk.db'}",
            "--acknowledged": str(tmp_path / "facts.json"),
        }
        command = [sys.executable, "-I", str(TESTS / "kill_matrix" / "checker.py")]
        command += [word for pair in given.items() for word in pair]
        with closing(server.socket):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    return run


def test_the_checker_reads_both_ledgers_by_itself_and_finds_nothing_in_a_good_story(check):
    code, found, problem = check()

    assert code == 0, problem
    assert sum(each["checked"] for each in found.values()) > 30


def test_the_checker_fails_where_the_ledger_holds_an_order_that_nobody_knows(check, story):
    nobody_knows_it(*story)

    code, found, _ = check()

    assert code == 1
    assert found["I1"]["violations"][0]["what"] == f"order cd-{NUMBERS[8]} has no execution"


def test_the_checker_imports_nothing_of_ours():
    text = (TESTS / "kill_matrix" / "checker.py").read_text()
    imported = {line.split()[1].partition(".")[0] for line in text.splitlines() if line.startswith(("import", "from"))}

    assert imported - set(sys.stdlib_module_names) == {"asyncpg"}


@pytest.mark.xdist_group("heavy")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("database", ["postgres"])
def test_a_short_matrix_loses_and_doubles_nothing(tmp_path, database):
    told = tmp_path / "matrix.json"
    command = [sys.executable, "-m", "kill_matrix", "--kills", "4", "--seed", "3", "--database", database]
    # How fast a restart is, is not asked here: other tests run beside this one.
    command += ["--json", str(told), "--serving-max", "60"]
    environment = os.environ | {"PYTHONPATH": str(TESTS), "TMPDIR": str(tmp_path)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=380)

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(told.read_text())
    assert found["problems"] == []
    assert sum(point["kills"] for point in found["points"].values()) >= 5
    assert all(each["checked"] > 0 and not each["violations"] for each in found["invariants"].values())
