"""An independent checker: the exchange's ledger over HTTP, the desk's database by SQL, and nothing of copydesk's code.

python checker.py --ledger http://127.0.0.1:8101/_sim/ledger --database sqlite:///…/copydesk.db --acknowledged facts.json

The file is what the driver saw from outside: {"acknowledged": [signal ids], "answers": {alert id: [signal ids]}, "calm_since": time,
"breakers": [[mode, time]], "accounts": {account id: api key}, "woken": [[requests of a hub that was stopped and replaced]]}.
Prints {invariant: {"checked": n, "violations": [{"what": text, "signal": id or null}]}} (docs/reliability.md names them).
"""

import argparse
import asyncio
import hashlib
import json
import sqlite3
import sys
import urllib.request
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import asyncpg

PREFIX = "cd-"
FINAL = {"SKIPPED", "EXPIRED", "CANCELLED", "REJECTED", "FILLED", "NOT_PLACED"}
SETTLED = FINAL | {"REVIEW"}
OPENS, CLOSES = "open", "close"
LATE_AT_MOST = timedelta(seconds=3 + 0.5)  # a request's window and the bound on clocks
LEDGER_TICK = timedelta(milliseconds=5)
"""The ledger tells milliseconds, rounded down; the journal microseconds."""

UNKNOWN_AT_MOST = timedelta(seconds=60)
BREAKS_WITHIN = timedelta(seconds=1)
RESTS_WITHIN = timedelta(minutes=2)
FIRST_HASH = "0" * 64
NEVER = datetime.max.replace(tzinfo=UTC)
QUERIES = {
    "executions": "SELECT id, signal_id, subscription_id, account_id, leg, symbol, state, reason, executed_quantity, attempt, "
    "request, expires_at FROM bot_signal_executions ORDER BY id",
    "events": "SELECT number, execution_id, at, state, note, epoch FROM execution_events ORDER BY number",
    "signals": "SELECT id, bot_id, steps, payload FROM bot_signals",
    "subscriptions": "SELECT id, bot_id FROM bot_subscriptions",
    "positions": "SELECT account_id, symbol, direction, quantity FROM positions",
    "audit": "SELECT number, at, actor, action, subject, details, previous_hash, hash FROM audit_log ORDER BY number",
    "leases": "SELECT duty, epoch FROM leases",
}


class Report:
    """What was checked, and what was found."""

    def __init__(self):
        self.found = defaultdict(lambda: {"checked": 0, "violations": []})

    def check(self, invariant, holds, what, *, signal=None):
        self.found[invariant]["checked"] += 1
        if not holds:
            self.found[invariant]["violations"].append({"what": what, "signal": signal})


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
    if name in {"at", "expires_at"}:
        return _time(value) if isinstance(value, str) else value.astimezone(UTC)
    if name in {"executed_quantity", "quantity"}:
        return Decimal(value)
    return json.loads(value) if name in {"request", "steps", "payload", "details"} and isinstance(value, str) else value


_time = datetime.fromisoformat


class Books:
    """Both ledgers, arranged: the exchange's as it told it, the desk's as its tables hold it."""

    def __init__(self, ledger, tables, facts):
        self.ledger, self.tables, self.facts = ledger, tables, facts

    @cached_property
    def executions(self):
        return {row["id"]: row for row in self.tables["executions"]}

    @cached_property
    def events(self):
        """Of each execution, in the journal's order."""
        found = defaultdict(list)
        for event in self.tables["events"]:
            found[event["execution_id"]].append(event)
        return found

    @cached_property
    def asked_for(self):
        """Without what a conditional order became: its own row tells that already."""
        return [row for row in self.ledger["orders"] if "algo_id" not in row or row["order_id"].startswith("algo-")]

    @cached_property
    def orders(self):
        """Ours, by execution."""
        found = defaultdict(list)
        for order in self.asked_for:
            if order["client_order_id"].startswith(PREFIX):
                found[_execution_and_attempt(order)[0]].append(order)
        return found

    @cached_property
    def fills(self):
        """By account and the order's own number at the exchange."""
        found = defaultdict(list)
        for fill in self.ledger["fills"]:
            found[fill["account"], fill["order_id"]].append(fill)
        return found

    def fills_of(self, order):
        return self.fills[order["account"], order.get("actual_order_id") or order["order_id"]]

    def openings(self):
        for execution_id, found in self.orders.items():
            row = self.executions.get(execution_id)
            if row is not None and row["leg"] == OPENS:
                yield row, found


def _execution_and_attempt(order):
    execution_id, _, attempt = order["client_order_id"].removeprefix(PREFIX).partition("-")
    return execution_id, int(attempt or 1)


def examine(ledger, tables, facts):
    """All invariants that can be seen from outside."""
    report, books = Report(), Books(ledger, tables, facts)
    rules = (_evidence, _claims, _once, _signals, _fresh, _positions, _order, _order_at_the_venue)
    for rule in (*rules, _unknown, _breaker, _audit, _epochs, _woken, _rest):
        rule(report, books)
    return dict(report.found)


def _evidence(report, books):
    """I1, from the exchange's side: each order was written down before, as it was then sent."""
    for execution_id, found in books.orders.items():
        row = books.executions.get(execution_id)
        report.check("I1", row is not None, f"order {found[0]['client_order_id']} has no execution")
        if row is None:
            continue
        signal = row["signal_id"]
        sent = [event["at"] for event in books.events[execution_id] if event["state"] == "SENDING"]
        for order in found:
            attempt = _execution_and_attempt(order)[1]
            before = len(sent) >= attempt and sent[attempt - 1] <= _time(order["time"]) + LEDGER_TICK
            report.check("I1", before, f"{order['client_order_id']} was not written down before", signal=signal)
            own = order["account"] == books.facts["accounts"].get(row["account_id"])
            report.check("I1", own, f"{execution_id} is on another account", signal=signal)
        report.check("I1", _is_as_frozen(row, found), f"{execution_id} is not what was frozen", signal=signal)
        total = sum((Decimal(order["executed_quantity"]) for order in found), Decimal(0))
        same = total == row["executed_quantity"] or row["state"] == "REVIEW"
        what = f"{execution_id} {row['leg']} {row['state']}: ours {row['executed_quantity']}, venue {total}"
        report.check("I1", same, what, signal=signal)


def _is_as_frozen(row, found):
    """The latest attempt. The exchange cuts what may only reduce to what there is to reduce."""
    request = row["request"] or {}
    frozen_id = request.get("newClientOrderId") or request.get("clientAlgoId")
    for order in (one for one in found if one["client_order_id"] == frozen_id):
        missing = Decimal(request["quantity"]) - Decimal(order["quantity"])
        whole = missing == 0 or (missing > 0 and order["reduce_only"])
        if not whole or (order["symbol"], order["side"]) != (request["symbol"], request["side"]):
            return False
    return frozen_id is not None


def _claims(report, books):
    """I1, from the desk's side; and nothing was traded on these accounts that no order of the desk explains."""
    for row in books.tables["executions"]:
        if row["executed_quantity"] > 0 or row["state"] in {"WORKING", "PARTIAL", "FILLED"}:
            what = f"{row['id']} {row['leg']} {row['state']} is not at the venue"
            report.check("I1", row["id"] in books.orders, what, signal=row["signal_id"])
    ours = {
        (order["account"], order.get("actual_order_id") or order["order_id"])
        for found in books.orders.values()
        for order in found
    }
    for place in books.fills:
        report.check("I1", place in ours, f"fill of an order that is nobody's: {place}")


def _once(report, books):
    openings = defaultdict(int)
    for row, found in books.openings():
        signal = row["signal_id"]
        openings[signal, row["subscription_id"]] += sum(Decimal(order["executed_quantity"]) > 0 for order in found)
        once = row["attempt"] == 1 and len(found) == 1
        what = f"opening {row['id']}: attempt {row['attempt']}, {len(found)} orders"
        report.check("I2", once, what, signal=signal)
    for (signal, subscription), times in openings.items():
        report.check("I2", times <= 1, f"opened {times} times for subscription {subscription}", signal=signal)
    carried = Counter((order["account"], order["client_order_id"]) for order in books.asked_for)
    for (_, client_id), times in carried.items():
        if client_id.startswith(PREFIX):
            report.check("I2", times == 1, f"{times} orders carry {client_id}")
    alerts = Counter((signal["bot_id"], signal["payload"].get("id")) for signal in books.tables["signals"])
    for (_, alert), times in alerts.items():
        report.check("I2", alert is None or times == 1, f"alert {alert} became {times} signals")
    for alert, told in books.facts["answers"].items():
        report.check("I2", len(told) <= 1, f"alert {alert} was answered with {len(told)} signals")


def _signals(report, books):
    stored = {row["id"]: row for row in books.tables["signals"]}
    by_place = defaultdict(list)
    for row in books.tables["executions"]:
        by_place[row["signal_id"], row["subscription_id"]].append(row)
        told = row["reason"] or row["state"] in {"FILLED", "WORKING", "CANCELLED"}
        report.check("I3", told, f"{row['id']} {row['state']} has no reason", signal=row["signal_id"])
    for signal in books.facts["acknowledged"]:
        report.check("I3", signal in stored, f"acknowledged signal {signal} is not stored", signal=signal)
    for signal in stored.values():
        only = signal["payload"].get("subscription_id")
        for one in books.tables["subscriptions"]:
            if one["bot_id"] != signal["bot_id"] or only not in {None, one["id"]}:
                continue
            found = [row["leg"] for row in by_place[signal["id"], one["id"]] if row["leg"] in {OPENS, CLOSES}]
            right = len(found) == len(set(found)) == max(len(signal["steps"]), 1)
            what = f"signal {signal['id']}, subscription {one['id']}: legs {sorted(found)}"
            report.check("I3", right, what, signal=signal["id"])


def _fresh(report, books):
    """By the fills; an order that was not filled, by its own time."""
    for row, found in books.openings():
        for order in found:
            times = [_time(fill["time"]) for fill in books.fills_of(order)] or [_time(order["time"])]
            late = max(times) - row["expires_at"]
            what = f"{row['id']} opened {late} after it expired"
            report.check("I4", late <= LATE_AT_MOST, what, signal=row["signal_id"])


def _positions(report, books):
    key_of = books.facts["accounts"]
    filled, held, ours = defaultdict(Decimal), defaultdict(Decimal), defaultdict(Decimal)
    for order in (one for found in books.orders.values() for one in found):
        for fill in books.fills_of(order):
            sign = 1 if fill["side"] == "BUY" else -1
            filled[fill["account"], fill["symbol"]] += sign * Decimal(fill["quantity"])
    for position in books.ledger["positions"]:
        held[position["account"], position["symbol"]] += Decimal(position["signed_quantity"])
    for position in books.tables["positions"]:
        sign = 1 if position["direction"] == "long" else -1
        ours[key_of[position["account_id"]], position["symbol"]] += sign * position["quantity"]
    review = {(key_of[r["account_id"]], r["symbol"]) for r in books.executions.values() if r["state"] == "REVIEW"}
    for place in {*filled, *held, *ours}:
        report.check("I5", filled[place] == held[place], f"{place}: fills {filled[place]}, position {held[place]}")
        same = ours[place] == held[place] or place in review
        report.check("I5", same, f"{place}: ours {ours[place]}, venue {held[place]}")


def _order(report, books):
    """By the journal's own numbers: a close is written down for sending only when the openings before it are final."""
    open_lines = defaultdict(set)
    for event in books.tables["events"]:
        row = books.executions[event["execution_id"]]
        line = open_lines[row["subscription_id"], row["symbol"]]
        if row["leg"] == OPENS:
            (line.discard if event["state"] in SETTLED else line.add)(row["id"])
        elif row["leg"] == CLOSES and event["state"] == "SENDING":
            before = [one for one in line if books.executions[one]["signal_id"] < row["signal_id"]]
            report.check("I6", not before, f"close {row['id']} left while {before} was open", signal=row["signal_id"])


def _order_at_the_venue(report, books):
    """By the exchange's time of the close, and the journal's of the openings before it."""
    openings = defaultdict(list)
    for row in books.tables["executions"]:
        if row["leg"] == OPENS:
            settled_at = next((event["at"] for event in books.events[row["id"]] if event["state"] in SETTLED), NEVER)
            openings[row["subscription_id"], row["symbol"]].append((row["signal_id"], settled_at))
    for execution_id, found in books.orders.items():
        row = books.executions.get(execution_id)
        if row is not None and row["leg"] == CLOSES:
            first = min(_time(order["time"]) for order in found) + LEDGER_TICK
            line = openings[row["subscription_id"], row["symbol"]]
            early = [signal for signal, settled_at in line if signal < row["signal_id"] and settled_at > first]
            what = f"close {execution_id} came before the openings of {early} were final"
            report.check("I6", not early, what, signal=row["signal_id"])


def _unknown(report, books):
    """Counted from the moment when the venue was healthy again."""
    healthy = _time(books.facts["calm_since"])
    for execution_id, events in books.events.items():
        for event, after in pairwise([*events, None]):
            if event["state"] == "UNKNOWN":
                waited = None if after is None else after["at"] - max(event["at"], healthy)
                settled = waited is not None and waited <= UNKNOWN_AT_MOST
                what = f"{execution_id} was UNKNOWN for {waited or 'ever'}"
                report.check("I9", settled, what, signal=books.executions[execution_id]["signal_id"])


def _breaker(report, books):
    pulls = [(mode, _time(at)) for mode, at in books.facts["breakers"]]
    for place, (mode, at) in enumerate(pulls):
        if mode == "release":
            continue
        released = next((end for what, end in pulls[place + 1 :] if what == "release"), NEVER)
        for row, found in books.openings():
            behind = [order for order in found if at + BREAKS_WITHIN < _time(order["time"]) < released]
            report.check("I10", not behind, f"{row['id']} opened behind the breaker of {at}", signal=row["signal_id"])


def _audit(report, books):
    """Each line's hash covers the line and its predecessor's: SHA-256 of the sorted, compact JSON."""
    previous = FIRST_HASH
    for number, row in enumerate(books.tables["audit"], 1):
        line = {name: value for name, value in row.items() if name != "hash"}
        line["at"] = row["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        fits = row["number"] == number and row["previous_hash"] == previous
        report.check("I11", fits and hashlib.sha256(text.encode()).hexdigest() == row["hash"], f"audit line {number}")
        previous = row["hash"]


def _epochs(report, books):
    newest = 0
    for event in books.tables["events"]:
        if event["epoch"] is not None:
            what = f"event {event['number']} is of epoch {event['epoch']}, after {newest}"
            report.check("I12", event["epoch"] >= newest, what)
            newest = max(newest, event["epoch"])
    for lease in books.tables["leases"]:
        what = f"{lease['duty']} is at {lease['epoch']}, events at {newest}"
        report.check("I12", lease["epoch"] >= newest, what)


def _woken(report, books):
    for requests in books.facts["woken"]:
        report.check("I12", not requests, f"a replaced hub woke up and sent {requests}")


def _rest(report, books):
    """Final, a stop or target that guards an open position, or in REVIEW with a word why."""
    limit = _time(books.facts["calm_since"]) + RESTS_WITHIN
    open_now = {(row["account_id"], row["symbol"]) for row in books.tables["positions"] if row["quantity"] > 0}
    for row in books.tables["executions"]:
        events = books.events[row["id"]]
        guards = row["leg"] not in {OPENS, CLOSES} and (row["account_id"], row["symbol"]) in open_now
        at_the_venue = any(order["status"] == "NEW" for order in books.orders[row["id"]])
        stands = row["state"] == "WORKING" and guards and at_the_venue
        explained = row["state"] == "REVIEW" and bool(events) and events[-1]["note"]
        rests = row["state"] in FINAL or stands or explained
        what = f"{row['id']} {row['leg']} is {row['state']}: {row['reason']}"
        report.check("I13", rests, what, signal=row["signal_id"])
        late = [event for event in events if event["at"] > limit and row["leg"] in {OPENS, CLOSES}]
        report.check(
            "I13", not late, f"{row['id']} moved {len(late)} times after two calm minutes", signal=row["signal_id"]
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ledger", "database", "acknowledged"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--evidence", type=Path, help="write what was read of both ledgers into this file")
    given = parser.parse_args()
    with urllib.request.urlopen(given.ledger, timeout=60) as answer:
        ledger = json.load(answer)
    tables = read_database(given.database)
    if given.evidence is not None:
        given.evidence.write_text(json.dumps({"ledger": ledger, "tables": tables}, default=str))
    found = examine(ledger, tables, json.loads(Path(given.acknowledged).read_text()))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 1 if any(each["violations"] for each in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
