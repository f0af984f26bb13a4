"""An independent checker: the exchange's ledger over HTTP, the desk's database by SQL, and nothing of copydesk's code.

python checker.py --ledger http://127.0.0.1:8101/_sim/ledger --database sqlite:///…/copydesk.db --facts facts.json

`facts.json` is what the driver saw from outside: {"acknowledged": [signal ids], "calm_since": time, "breakers": [[mode, time]],
"accounts": {account id: api key}}. Prints {invariant: {"checked": n, "violations": [text]}} (docs/reliability.md names them).
"""

import argparse
import asyncio
import hashlib
import json
import sqlite3
import sys
import urllib.request
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import asyncpg

PREFIX = "cd-"
FINAL = {"SKIPPED", "EXPIRED", "CANCELLED", "REJECTED", "FILLED", "NOT_PLACED"}
RECEIVE_WINDOW = timedelta(seconds=3)
CLOCK_BOUND = timedelta(seconds=0.5)
QUERIES = {
    "executions": "SELECT id, signal_id, subscription_id, account_id, leg, symbol, state, reason, executed_quantity, attempt, "
    "request, frozen_at, expires_at, fraction, created_at FROM bot_signal_executions ORDER BY id",
    "events": "SELECT number, execution_id, at, state, note, epoch FROM execution_events ORDER BY number",
    "signals": "SELECT id, bot_id, steps, payload FROM bot_signals",
    "subscriptions": "SELECT id, bot_id, account_id, created_at FROM bot_subscriptions",
    "positions": "SELECT account_id, symbol, direction, quantity FROM positions",
    "audit": "SELECT number, at, actor, action, subject, details, previous_hash, hash FROM audit_log ORDER BY number",
    "leases": "SELECT duty, epoch FROM leases",
}


class Report:
    """What was checked, and what was found."""

    def __init__(self):
        self.found = defaultdict(lambda: {"checked": 0, "violations": []})

    def check(self, invariant, holds, text):
        self.found[invariant]["checked"] += 1
        if not holds:
            self.found[invariant]["violations"].append(text)


def read_database(address):
    """Every table as a list of dicts; times aware, money decimal."""
    if address.startswith("sqlite:///"):
        connection = sqlite3.connect(address.removeprefix("sqlite:///"))
        connection.row_factory = sqlite3.Row
        tables = {name: [dict(row) for row in connection.execute(query)] for name, query in QUERIES.items()}
        connection.close()
    else:
        tables = asyncio.run(_read_postgres(address))
    for rows in tables.values():
        for row in rows:
            row.update({name: _value(name, value) for name, value in row.items()})
    return tables


async def _read_postgres(address):
    connection = await asyncpg.connect(address)
    try:
        return {name: [dict(row) for row in await connection.fetch(query)] for name, query in QUERIES.items()}
    finally:
        await connection.close()


def _value(name, value):
    if value is None:
        return None
    if name in {"at", "frozen_at", "expires_at", "created_at"}:
        return _time(value) if isinstance(value, str) else value.astimezone(UTC)
    if name in {"executed_quantity", "fraction", "quantity"}:
        return Decimal(value)
    return json.loads(value) if name in {"request", "steps", "payload", "details"} and isinstance(value, str) else value


def _time(text):
    return datetime.fromisoformat(text)


def examine(ledger, tables, facts):
    """All invariants that can be seen from outside."""
    report = Report()
    for rule in (_evidence, _once, _signals, _fresh, _positions, _order, _unknown, _breaker, _audit, _epochs, _rest):
        rule(report, ledger, tables, facts)
    return dict(report.found)


def _execution_id(client_id):
    return client_id.removeprefix(PREFIX).partition("-")[0]


def _orders(ledger):
    """Ours, by execution."""
    found = defaultdict(list)
    for order in _asked_for(ledger):
        if order["client_order_id"].startswith(PREFIX):
            found[_execution_id(order["client_order_id"])].append(order)
    return found


def _asked_for(ledger):
    """Without what a conditional order became: its row tells that already."""
    return [row for row in ledger["orders"] if "algo_id" not in row or row["order_id"].startswith("algo-")]


def _executed(order):
    return Decimal(order["executed_quantity"])


def _evidence(report, ledger, tables, _facts):
    executions = {row["id"]: row for row in tables["executions"]}
    sent = defaultdict(list)
    for event in tables["events"]:
        if event["state"] == "SENDING":
            sent[event["execution_id"]].append(event["at"])
    orders = _orders(ledger)
    for execution_id, found in orders.items():
        row = executions.get(execution_id)
        report.check("I1", row is not None, f"order {found[0]['client_order_id']} has no execution")
        if row is None:
            continue
        report.check("I1", bool(sent[execution_id]), f"{execution_id} is at the venue and was never written down")
        report.check("I1", row["request"] is not None, f"{execution_id} has no frozen request")
        total = sum(map(_executed, found), Decimal(0))
        same = total == row["executed_quantity"] or row["state"] == "REVIEW"
        report.check(
            "I1", same, f"{execution_id} {row['leg']} {row['state']}: ours {row['executed_quantity']}, venue {total}"
        )
    for row in tables["executions"]:
        if row["executed_quantity"] > 0 or row["state"] in {"WORKING", "PARTIAL", "FILLED"}:
            report.check("I1", row["id"] in orders, f"{row['id']} {row['leg']} {row['state']} is not at the venue")


def _once(report, ledger, tables, _facts):
    executions = {row["id"]: row for row in tables["executions"]}
    openings = defaultdict(int)
    for execution_id, found in _orders(ledger).items():
        row = executions.get(execution_id)
        if row is not None and row["leg"] == "open":
            openings[row["signal_id"], row["subscription_id"]] += sum(_executed(order) > 0 for order in found)
            report.check("I2", row["attempt"] == 1, f"opening {execution_id} was attempted {row['attempt']} times")
    for place, times in openings.items():
        report.check("I2", times <= 1, f"opened {times} times: signal and subscription {place}")
    ids = [(order["account"], order["client_order_id"]) for order in _asked_for(ledger)]
    for one in {each for each in ids if each[1].startswith(PREFIX)}:
        report.check("I2", ids.count(one) == 1, f"two orders carry {one}")


def _signals(report, _ledger, tables, facts):
    stored = {row["id"]: row for row in tables["signals"]}
    by_place = defaultdict(list)
    for row in tables["executions"]:
        by_place[row["signal_id"], row["subscription_id"]].append(row)
        told = row["reason"] or row["state"] in {"FILLED", "WORKING", "CANCELLED"}
        report.check("I3", told, f"{row['id']} {row['state']} has no reason")
    for signal_id in facts["acknowledged"]:
        report.check("I3", signal_id in stored, f"acknowledged signal {signal_id} is not stored")
    for signal in stored.values():
        only = signal["payload"].get("subscription_id")
        for one in tables["subscriptions"]:
            if one["bot_id"] != signal["bot_id"] or only not in {None, one["id"]}:
                continue
            found = [row for row in by_place[signal["id"], one["id"]] if row["leg"] in {"open", "close"}]
            legs = {row["leg"] for row in found}
            right = len(found) == len(legs) == max(len(signal["steps"]), 1)
            report.check("I3", right, f"signal {signal['id']}, subscription {one['id']}: {sorted(legs)}")


def _fresh(report, ledger, tables, _facts):
    executions = {row["id"]: row for row in tables["executions"]}
    for execution_id, found in _orders(ledger).items():
        row = executions.get(execution_id)
        if row is None or row["leg"] != "open":
            continue
        for order in found:
            late = _time(order["time"]) - row["expires_at"]
            report.check("I4", late <= RECEIVE_WINDOW + CLOCK_BOUND, f"{execution_id} opened {late} after it expired")


def _positions(report, ledger, tables, facts):
    key_of = facts["accounts"]
    filled, held, ours = defaultdict(Decimal), defaultdict(Decimal), defaultdict(Decimal)
    for fill in ledger["fills"]:
        filled[fill["account"], fill["symbol"]] += Decimal(fill["quantity"]) * (1 if fill["side"] == "BUY" else -1)
    for position in ledger["positions"]:
        held[position["account"], position["symbol"]] += Decimal(position["signed_quantity"])
    for position in tables["positions"]:
        sign = 1 if position["direction"] == "long" else -1
        ours[key_of[position["account_id"]], position["symbol"]] += sign * position["quantity"]
    review = {(key_of[r["account_id"]], r["symbol"]) for r in tables["executions"] if r["state"] == "REVIEW"}
    for place in {*filled, *held, *ours}:
        report.check("I5", filled[place] == held[place], f"{place}: fills {filled[place]}, position {held[place]}")
        same = ours[place] == held[place] or place in review
        report.check("I5", same, f"{place}: ours {ours[place]}, venue {held[place]}")


def _order(report, ledger, tables, _facts):
    """By the journal's own numbers: a close is written down for sending only when its openings are final."""
    rows = {row["id"]: row for row in tables["executions"]}
    state, open_lines = {}, defaultdict(set)
    for event in tables["events"]:
        row = rows[event["execution_id"]]
        state[row["id"]] = event["state"]
        place = (row["account_id"], row["symbol"])
        if row["leg"] == "open":
            is_open = event["state"] not in FINAL and event["state"] != "REVIEW"
            (open_lines[place].add if is_open else open_lines[place].discard)(row["id"])
        elif row["leg"] == "close" and event["state"] == "SENDING":
            before = [one for one in open_lines[place] if rows[one]["signal_id"] < row["signal_id"]]
            report.check("I6", not before, f"close {row['id']} left while {before} was open")


def _unknown(report, _ledger, tables, facts):
    """Counted from the moment when the venue was healthy again."""
    healthy = _time(facts["calm_since"])
    since = {}
    for event in tables["events"]:
        began = since.pop(event["execution_id"], None)
        if began is not None:
            waited = event["at"] - max(began, healthy)
            report.check("I9", waited <= timedelta(seconds=60), f"{event['execution_id']} was UNKNOWN for {waited}")
        if event["state"] == "UNKNOWN":
            since[event["execution_id"]] = event["at"]
    for execution_id in since:
        report.check("I9", False, f"{execution_id} is still UNKNOWN")


def _breaker(report, ledger, tables, facts):
    executions = {row["id"]: row for row in tables["executions"]}
    pulls = [(mode, _time(at)) for mode, at in facts["breakers"]]
    for place, (mode, at) in enumerate(pulls):
        if mode == "release":
            continue
        released = next(
            (end for what, end in pulls[place + 1 :] if what == "release"), datetime.max.replace(tzinfo=UTC)
        )
        for execution_id, found in _orders(ledger).items():
            if executions.get(execution_id, {}).get("leg") == "open":
                behind = [order for order in found if at + timedelta(seconds=1) < _time(order["time"]) < released]
                report.check("I10", not behind, f"{execution_id} opened behind the breaker of {at}")


def _audit(report, _ledger, tables, _facts):
    """Each line's hash covers the line and its predecessor's: SHA-256 of the sorted, compact JSON."""
    previous = None
    for number, row in enumerate(tables["audit"], 1):
        line = {name: value for name, value in row.items() if name != "hash"}
        line["at"] = row["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        fits = row["number"] == number and previous in {None, row["previous_hash"]}
        report.check("I11", fits and hashlib.sha256(text.encode()).hexdigest() == row["hash"], f"audit line {number}")
        previous = row["hash"]


def _epochs(report, _ledger, tables, _facts):
    newest = 0
    for event in tables["events"]:
        if event["epoch"] is not None:
            right = event["epoch"] >= newest
            report.check("I12", right, f"event {event['number']} is of epoch {event['epoch']}, after {newest}")
            newest = max(newest, event["epoch"])
    for lease in tables["leases"]:
        report.check("I12", lease["epoch"] >= newest, f"{lease['duty']} is at {lease['epoch']}, events at {newest}")


def _rest(report, _ledger, tables, facts):
    notes = {event["execution_id"]: event["note"] for event in tables["events"] if event["state"] == "REVIEW"}
    limit = _time(facts["calm_since"]) + timedelta(minutes=2)
    for row in tables["executions"]:
        standing = row["state"] == "WORKING" and row["leg"] not in {"open", "close"}
        explained = row["state"] == "REVIEW" and notes.get(row["id"])
        rests = row["state"] in FINAL or standing or explained
        report.check("I13", rests, f"{row['id']} {row['leg']} is {row['state']}: {row['reason']}")
    late = [event for event in tables["events"] if event["at"] > limit and event["state"] not in {"WORKING", "FILLED"}]
    report.check("I13", not late, f"{len(late)} moves more than two minutes after the faults stopped")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("ledger", "database", "facts"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    with urllib.request.urlopen(given.ledger, timeout=60) as answer:
        ledger = json.load(answer)
    found = examine(ledger, read_database(given.database), json.loads(Path(given.facts).read_text()))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 1 if any(each["violations"] for each in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
