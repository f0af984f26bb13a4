"""The engine's store in memory: the same promises as `stores/`, transactions that happen whole or not at all, and its own faults."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.errors import LeaseLost, StaleWrite, StoreUnavailable
from copydesk.domain.execution import FINAL, State, check_move
from copydesk.domain.guards import Exposure
from copydesk.domain.planning import Follower
from copydesk.domain.signal import Direction, LegKind
from copydesk.domain.subscription import KeyCheck, OnDailyLoss, SubscriptionStatus
from copydesk.domain.tickets import Book
from copydesk.ports.store import AtRisk, Holding, Place

NOTHING = Decimal(0)
_LISTENING = {SubscriptionStatus.ACTIVE, SubscriptionStatus.CLOSE_ONLY}
_FOLLOWS = {LegKind.OPEN, LegKind.CLOSE}
_SETTLES = {State.UNKNOWN, State.ABSENT, State.PARTIAL, State.REVIEW}
_AT_THE_VENUE = {State.SENDING, State.WORKING, *_SETTLES}


@dataclass(slots=True)
class Event:
    """One line of the journal, numbered by its place."""

    execution_id: str
    at_s: float
    state: State
    epoch: int | None
    reason: str | None


@dataclass(slots=True)
class Rows:
    """Everything that is stored; `undo` takes back what the transaction under way has done."""

    bots: dict = field(default_factory=dict)
    accounts: dict = field(default_factory=dict)
    subscriptions: dict = field(default_factory=dict)
    signals: dict = field(default_factory=dict)
    waiting: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)
    bot_positions: dict = field(default_factory=dict)
    tickets: dict = field(default_factory=dict)
    volumes: dict = field(default_factory=dict)
    executions: dict = field(default_factory=dict)
    unique: dict = field(default_factory=dict)
    active: dict = field(default_factory=dict)
    journal: list = field(default_factory=list)
    positions: dict = field(default_factory=dict)
    trades: list = field(default_factory=list)
    results: dict = field(default_factory=dict)
    ended: dict = field(default_factory=dict)
    breakers: dict = field(default_factory=dict)
    preparations: dict = field(default_factory=dict)
    leases: dict = field(default_factory=dict)
    checks: dict = field(default_factory=dict)
    undo: list = field(default_factory=list)

    def put(self, table, key, value):
        self.undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def drop(self, table, key):
        if key in table:
            self.undo.append((table, key, table.pop(key)))

    def append(self, line):
        self.undo.append((self.journal, None, None))
        self.journal.append(line)

    def roll_back(self, undo):
        for table, key, before in reversed(undo):
            if table is self.journal:
                table.pop()
            elif before is _ABSENT:
                del table[key]
            else:
                table[key] = before


_ABSENT = object()


class Transaction:
    """The Transaction of ports/store.py; every table is this one object, for each method has a name of its own."""

    def __init__(self, rows, world):
        self.rows = rows
        self.world = world
        self.epoch = None
        self.signals = SignalRows(self)
        self.followers = FollowerRows(self)
        self.executions = ExecutionRows(self)
        self.positions = PositionRows(self)
        self.breakers = BreakerRows(self)
        self.tickets = TicketRows(self)
        self.leases = LeaseRows(self)
        self.checks = CheckRows(self)


class _Part:
    def __init__(self, tables):
        self.tables = tables
        self.rows = tables.rows


class SignalRows(_Part):
    def read_ahead(self, told):
        """Asking costs nothing here anyway."""

    def lock_bot(self, bot_id):
        return self.rows.bots.get(bot_id)

    def known(self, bot_id, key, at):
        found = self.rows.keys.get((bot_id, key))
        return found[0] if found is not None and found[1] > at else None

    def content(self, bot_id, key):
        return self.rows.keys[bot_id, key][2]

    def remember(self, bot_id, key, signal_id, expires_at, content=None):
        self.rows.put(self.rows.keys, (bot_id, key), (signal_id, expires_at, content))

    def add(self, signal, *, fanned_out_at=None):
        self.rows.put(self.rows.signals, signal.id, signal)
        if fanned_out_at is None:
            self.rows.put(self.rows.waiting, signal.id, signal)

    def get(self, signal_id):
        return self.rows.signals.get(signal_id)

    def waiting(self):
        return sorted(self.rows.waiting.values(), key=lambda one: one.id)

    def mark_fanned_out(self, signal_id, at):
        self.rows.drop(self.rows.waiting, signal_id)

    def held_by_bot(self, bot_id, symbol):
        return self.rows.bot_positions.get((bot_id, symbol), Direction.FLAT)

    def set_held_by_bot(self, bot_id, symbol, direction, at):
        self.rows.put(self.rows.bot_positions, (bot_id, symbol), direction)

    def symbols_of_bot(self, bot_id):
        return sorted(symbol for bot, symbol in self.rows.bot_positions if bot == bot_id)


class FollowerRows(_Part):
    def audience(self, bots):
        return {one: len(self.subscribers(one)) for one in bots}

    def subscribers(self, bot_id):
        found = self.rows.subscriptions.values()
        return sorted(one.id for one in found if one.bot_id == bot_id and one.status in _LISTENING)

    def places(self, ids):
        accounts = {one: self.rows.accounts[self.rows.subscriptions[one].account_id] for one in ids}
        return {one: Place(account.id, account.venue, account.environment) for one, account in accounts.items()}

    def followers(self, bot, symbol, ids, at):
        found = sorted((self.rows.subscriptions[one] for one in ids), key=lambda one: one.id)
        return [
            Follower(
                bot=bot,
                subscription=one,
                account=self.rows.accounts[one.account_id],
                position=self.rows.positions.get((one.id, symbol), (None, None))[1],
                exposure=self._exposure(one, symbol, at),
            )
            for one in found
        ]

    def account(self, account_id):
        return self.rows.accounts.get(account_id)

    def credentials(self, account_id):
        return {"api_key": account_id}

    def logins(self, accounts):
        return [(self.rows.accounts[one], self.credentials(one)) for one in accounts]

    def refuse_key(self, account_id, problem, at):
        account = self.rows.accounts[account_id]
        refused = replace(account, key_check=KeyCheck.REFUSED, key_problem=problem, updated_at=at)
        self.rows.put(self.rows.accounts, account_id, refused)

    def preparation(self, account_id, symbol):
        return self.rows.preparations.get((account_id, symbol))

    def preparations(self, accounts, symbol):
        found = {one: self.rows.preparations.get((one, symbol)) for one in accounts}
        return {one: made for one, made in found.items() if made is not None}

    def save_preparation(self, account_id, symbol, made, at):
        self.rows.put(self.rows.preparations, (account_id, symbol), made)

    def subscription(self, subscription_id):
        return self.rows.subscriptions.get(subscription_id)

    def trading(self):
        return [one for one in self.rows.accounts.values() if one.is_active and one.key_check is not KeyCheck.REFUSED]

    def _exposure(self, one, symbol, at):
        held = {(sub, other) for (sub, other), (account, _) in self.rows.positions.items() if account == one.account_id}
        held |= {
            (sent.subscription_id, sent.symbol)
            for sent in self.rows.active.values()
            if sent.account_id == one.account_id and sent.kind is LegKind.OPEN and not sent.is_final
        }
        standing = {
            (sent.subscription_id, sent.symbol)
            for sent in self.rows.active.values()
            if sent.account_id == one.account_id and sent.is_protection and not sent.is_final
        }
        others = sorted(sub for sub, other in held | standing if other == symbol and sub != one.id)
        return Exposure(
            slots_used=sum(sub == one.id and other != symbol for sub, other in held),
            loss_today_usd=max(-self.rows.results.get((one.id, at.date()), NOTHING), NOTHING),
            day_has_ended=(one.id, at.date()) in self.rows.ended,
            symbol_taken_by=others[0] if others else None,
        )


class ExecutionRows(_Part):
    def add(self, executions, *, note=None):
        for one in executions:
            place = (one.signal_id, one.subscription_id, one.leg)
            if place in self.rows.unique:
                raise StaleWrite("an execution of this signal, subscription and leg exists")
            self.rows.put(self.rows.unique, place, one.id)
            self._store(one)
            self._journal(one, note)

    def get(self, execution_id):
        return self.rows.executions.get(execution_id)

    def of_signal(self, signal_id):
        found = (self.rows.executions[key] for (signal, _, _), key in self.rows.unique.items() if signal == signal_id)
        return sorted(found, key=lambda one: one.id)

    def is_settled(self, signal_id):
        return all(one.is_final or one.is_protection for one in self.of_signal(signal_id))

    def read_ahead(self, executions):
        return [self.rows.executions[one.id] for one in executions if one.id in self.rows.executions]

    def legs(self, signal_id, subscriptions):
        return {
            (subscription_id, leg)
            for signal, subscription_id, leg in self.rows.unique
            if signal == signal_id and subscription_id in subscriptions
        }

    def order_ids(self, account_id, symbol):
        found = (one for one in self.rows.executions.values() if (one.account_id, one.symbol) == (account_id, symbol))
        return {one.exchange_order_id for one in found if one.exchange_order_id is not None}

    def unclosed_openings(self, account_id, since):
        filled = [
            one
            for one in sorted(self.rows.executions.values(), key=lambda one: one.id)
            if one.account_id == account_id and one.state is State.FILLED and one.frozen_at >= since
        ]
        closed = {one.exchange_order_id for one in filled if one.kind is LegKind.CLOSE}
        return [one for one in filled if one.kind is LegKind.OPEN and one.exchange_order_id not in closed]

    def move(self, before, after, *, at, evidence=None):
        if before.state is not after.state:
            check_move(before.state, after.state)
        known = self.rows.executions[before.id]
        if (known.version, known.state) != (before.version, before.state):
            raise StaleWrite(f"execution {before.id} was moved by somebody else")
        moved = replace(after, version=before.version + 1, updated_at=at)
        self._store(moved)
        if before.state is not after.state or before.executed_quantity != after.executed_quantity:
            self._journal(moved, moved.reason)
        return moved

    def in_state(self, states, *, unmoved_since=None):
        wanted = set(states)
        found = (one for one in self.rows.active.values() if one.state in wanted)
        return self._due((one for one in found if unmoved_since is None or one.updated_at <= unmoved_since), None)

    def to_settle(self, due):
        def is_asked(one):
            once_more = one.is_final and one.next_look_at is not None
            return one.state in _SETTLES or once_more or (one.state is State.WORKING and one.cancel_wanted)

        return self._due(filter(is_asked, self.rows.active.values()), due)

    def to_poll(self, due, most):
        calm = (one for one in self.rows.active.values() if one.state is State.WORKING and not one.cancel_wanted)
        return self._due(calm, due)[:most]

    def of_client_order(self, client_order_id):
        return next((one for one in self.rows.executions.values() if one.client_order_id == client_order_id), None)

    def on_accounts(self, accounts):
        found = (one for one in self.rows.active.values() if one.account_id in accounts)
        return sorted((one for one in found if one.state in _AT_THE_VENUE), key=lambda one: one.id)

    def unsettled(self, accounts, symbol):
        found = (one for one in self.rows.active.values() if one.symbol == symbol and one.account_id in accounts)
        return sorted((one for one in found if not one.is_final and one.kind in _FOLLOWS), key=lambda one: one.id)

    def protections(self, subscription_id, symbol):
        found = (one for one in self.rows.active.values() if one.is_protection and not one.is_final)
        wanted = (one for one in found if (one.subscription_id, one.symbol) == (subscription_id, symbol))
        return sorted(wanted, key=lambda one: one.id)

    def _due(self, found, due):
        found = [one for one in found if due is None or one.next_look_at is None or one.next_look_at <= due]
        return sorted(found, key=lambda one: (one.next_look_at is not None, one.next_look_at or 0, one.id))

    def _store(self, one):
        self.rows.put(self.rows.executions, one.id, one)
        if one.state not in FINAL or one.next_look_at is not None:
            self.rows.put(self.rows.active, one.id, one)
        else:
            self.rows.drop(self.rows.active, one.id)

    def _journal(self, one, reason):
        world = self.tables.world
        self.rows.append(Event(one.id, world.now_s, one.state, self.tables.epoch, reason))


class PositionRows(_Part):
    def get(self, subscription_id, symbol):
        return self.rows.positions.get((subscription_id, symbol), (None, None))[1]

    def read_ahead(self, subscriptions, at):
        """Everything is in memory."""

    def put(self, execution, position, at):
        key = (execution.subscription_id, execution.symbol)
        if position is None:
            self.rows.drop(self.rows.positions, key)
        else:
            self.rows.put(self.rows.positions, key, (execution.account_id, position))

    def add_trade(self, execution, trade):
        """Trades are told to people, not to the engine."""

    def add_result(self, subscription_id, net_usd, at):
        key = (subscription_id, at.date())
        self.rows.put(self.rows.results, key, self.rows.results.get(key, NOTHING) + net_usd)

    def end_day(self, subscription_id, at):
        self.rows.put(self.rows.ended, (subscription_id, at.date()), at)

    def at_risk(self, at):
        found = []
        for (subscription_id, symbol), (account_id, position) in self.rows.positions.items():
            one = self.rows.subscriptions[subscription_id]
            if one.copy.on_daily_loss is OnDailyLoss.FLATTEN and one.max_daily_loss_usd is not None:
                result = self.rows.results.get((subscription_id, at.date()), NOTHING)
                account = self.rows.accounts[account_id]
                risk = AtRisk(subscription=one, account=account, symbol=symbol, position=position, result_usd=result)
                found.append(risk)
        return sorted(found, key=lambda one: (one.subscription.id, one.symbol))


class BreakerRows(_Part):
    def pulled(self):
        return list(self.rows.breakers.values())

    def pull(self, breaker):
        self.rows.put(self.rows.breakers, breaker.reach, breaker)

    def release(self, reach):
        self.rows.drop(self.rows.breakers, reach)

    def openings(self, reach):
        found = (one for one in self.rows.active.values() if one.kind is LegKind.OPEN and not one.is_final)
        return sorted((one for one in found if self._covers(reach, one)), key=lambda one: one.id)

    def holdings(self, reach):
        found = []
        for (subscription_id, symbol), (_, position) in sorted(self.rows.positions.items(), key=lambda row: row[0]):
            one = self.rows.subscriptions[subscription_id]
            if self._covers(reach, one):
                found.append(Holding(subscription_id=one.id, bot_id=one.bot_id, symbol=symbol, position=position))
        return found

    def _covers(self, reach, one):
        venue = self.rows.accounts[one.account_id].venue
        return reach.covers(account_id=one.account_id, bot_id=one.bot_id, venue=venue)


class TicketRows(_Part):
    def get(self, bot_id, number):
        return self.rows.tickets.get((bot_id, number))

    def book(self, bot_id, symbol):
        found = (one for (bot, _), one in self.rows.tickets.items() if bot == bot_id and one.symbol == symbol)
        tickets = tuple(one for one in found if one.is_open)
        held = self.rows.bot_positions.get((bot_id, symbol), Direction.FLAT)
        return Book(tickets=tickets, held=held, volume=self.rows.volumes.get((bot_id, symbol), NOTHING))

    def put(self, bot_id, ticket, at):
        self.rows.put(self.rows.tickets, (bot_id, ticket.number), ticket)

    def hold(self, bot_id, symbol, volume):
        self.rows.put(self.rows.volumes, (bot_id, symbol), volume)


class LeaseRows(_Part):
    def take(self, duty, owner, ttl_s, is_gone):
        known, now_s = self.rows.leases.get(duty), self.tables.world.now_s
        if known is not None and known[0] != owner and known[2] > now_s and not is_gone(known[0]):
            return None
        epoch = 1 if known is None else known[1] + 1
        self.rows.put(self.rows.leases, duty, (owner, epoch, now_s + ttl_s))
        return epoch

    def renew(self, duty, epoch, ttl_s):
        self._check(duty, epoch)
        owner, _, _ = self.rows.leases[duty]
        self.rows.put(self.rows.leases, duty, (owner, epoch, self.tables.world.now_s + ttl_s))

    def fence(self, duty, epoch):
        self._check(duty, epoch)
        self.tables.epoch = epoch

    def _check(self, duty, epoch):
        if self.rows.leases[duty][1] != epoch:
            raise LeaseLost(f"another program has taken {duty} over")


class CheckRows(_Part):
    def sent_since(self, account_id, since):
        found = (one for one in self.rows.executions.values() if one.account_id == account_id)
        return sorted((one for one in found if one.frozen_at and one.frozen_at >= since), key=lambda one: one.id)

    def traded_since(self, since):
        return list(self.rows.accounts.values())

    def held(self, account_id):
        found = self.rows.positions.items()
        return [(symbol, position) for (_, symbol), (account, position) in found if account == account_id]

    def save(self, check):
        self.rows.put(self.rows.checks, check.account_id, check)


class MemoryStore:
    """The Store of ports/store.py as one program sees it; the rows outlive it.

    `away`: the database does not answer. `breaks_commits`: now and then a commit happens and its caller is told it did not.
    """

    def __init__(self, rows, world, database):
        self._rows = rows
        self._world = world
        self._database = database

    async def read(self, work):
        return await self._do(work, writes=False)

    async def write(self, work):
        return await self._do(work, writes=True)

    write_ahead = write

    async def _do(self, work, *, writes):
        program = asyncio.get_running_loop()
        done = program.create_future()
        self._world.after(self._database.delay_s(), self._happen, work, writes, done, program=program)
        return await done

    def _happen(self, work, writes, done):
        program = done.get_loop()
        if writes and self._database.before_moves is not None and self._moves(work):
            self._database.before_moves()
            if program.is_stopped:
                # It was to be written when the program was stopped, and is once it goes on.
                self._world.after(0, self._happen, work, writes, done, program=program)
                return
        result, error = None, self._database.refusal()
        if error is None:
            result, error = self._transact(work, writes=writes)
        self._world.after(self._database.delay_s(), program.enter, _answer, done, result, error, program=program)
        if writes and error is None:
            self._database.committed(self._rows, program)

    def _moves(self, work):
        """Whether it would move an execution; nothing is left of having tried."""
        self._rows.undo = []
        with contextlib.suppress(Exception):
            work(Transaction(self._rows, self._world))
        moves = any(table is self._rows.journal for table, _, _ in self._rows.undo)
        self._rows.roll_back(self._rows.undo)
        return moves

    def _transact(self, work, *, writes):
        self._rows.undo = []
        try:
            result = work(Transaction(self._rows, self._world))
        except Exception as error:  # noqa: BLE001  the caller gets it, whatever it is
            self._rows.roll_back(self._rows.undo)
            return None, error
        if self._rows.undo and not writes:
            raise AssertionError("a read has written")
        return result, self._database.lost_answer() if writes else None


def _answer(done, result, error):
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


class Database:
    """How the database behaves: its delays, its outages, and what a crash leaves of it."""

    def __init__(self, world):
        self._world = world
        self.away_until_s = -1.0
        self.loses_answers = 0.0
        self.before_moves = None
        self.after_commit = None
        self.forgets_for_s = 0.0
        self._recent = []

    def delay_s(self):
        return self._world.random.choice((0.0002, 0.0005, 0.001, 0.004))

    def refusal(self):
        if self._world.now_s < self.away_until_s:
            return StoreUnavailable("the database is locked")
        return None

    def lost_answer(self):
        if self.loses_answers and self._world.random.random() < self.loses_answers:
            self._world.faults["commit_answer_lost"] += 1
            return StoreUnavailable("the connection broke while committing")
        return None

    def committed(self, rows, program):
        if self.forgets_for_s:
            now_s = self._world.now_s
            self._recent = [(at_s, undo) for at_s, undo in self._recent if now_s - at_s < self.forgets_for_s]
            self._recent.append((now_s, rows.undo))
        if self.after_commit is not None and rows.undo:
            self.after_commit(rows, program)

    def crash(self, rows):
        """Only for a desk that answers before it has written (a known-bad one): what was not yet written is gone."""
        for at_s, undo in reversed(self._recent):
            if self._world.now_s - at_s < self.forgets_for_s:
                rows.roll_back(undo)
        self._recent = []
