"""Plays a story: desks start, are killed and start again over one set of rows and one exchange, until all is calm."""

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import timedelta

from copydesk.domain.breaker import Breaker, BreakerMode, BreakerScope, Reach
from copydesk.domain.errors import CopydeskError, StoreUnavailable
from copydesk.domain.execution import State
from copydesk.domain.signal import Action, Instruction, Size, SizeUnit, SourceKind
from copydesk.domain.venue import BINANCE_FUTURES
from copydesk.engine import breaker as engine_breaker
from copydesk.engine.desk import Desk
from copydesk.engine.lease import Owner
from simulation.exchange import Exchange, Faults
from simulation.memory import Database, MemoryStore, Rows, Transaction
from simulation.story import PRICES, seed_ids
from simulation.venue import SimulatedVenue
from simulation.world import Program, VirtualClock, World

VENUE_TIMEOUT_S = 10.0
RESEND_AFTER_S = 5.0
REST_S = 5.0
"""So long everybody gets in any case, to connect again and to look around: whoever was stopped, too."""

CALM_WITHIN_S = 120.0
WILD_CALM_WITHIN_S = 2_400.0
"""Where the venue breaks its promises, the looks after the end (1, 6 and 36 minutes) are part of it."""


@dataclass(slots=True)
class Alert:
    """As its sender knows it: sent again until it is answered."""

    number: int
    bot_id: str
    instruction: Instruction
    received: list = field(default_factory=list)
    refusal: str | None = None

    @property
    def is_answered(self):
        return bool(self.received) or self.refusal is not None


class Play:
    """`story` and what came of it: rows, exchange, alerts, and the moments that the invariants need."""

    def __init__(self, story, *, keeps_trace=False, venue=SimulatedVenue, prepare=None):
        self.story = story
        self.world = World(f"world {story.seed}", keeps_trace=keeps_trace)
        self.rows = Rows()
        self.database = Database(self.world)
        self.exchange = Exchange(self.world, PRICES, wild=story.wild)
        self.alerts = []
        self.breakers = []
        self.desks = []
        self.kills = 0
        self._venue = venue
        self._names = itertools.count(1)
        self._dead = set()
        self._rests_until_s = 0.0
        self._graveyard = []
        if prepare is not None:
            prepare(self)

    def run(self):
        """Whether everything came to rest in time after the last trouble."""
        seed_ids(self.world.random)
        for table, values in (
            (self.rows.bots, self.story.bots),
            (self.rows.accounts, self.story.accounts),
            (self.rows.subscriptions, self.story.subscriptions),
        ):
            table.update({one.id: one for one in values})
        self.exchange.faults = Faults(self.story.kinds, self.story.probability)
        self.database.loses_answers = self.story.loses_answers
        self.start_desk()
        for deed in self.story.deeds:
            self.world.after(deed.at_s, getattr(self, f"do_{deed.kind}"), *deed.given)
        self.world.after(self.story.until_s, self._calm_down)
        self.world.run(lambda: False, self.story.until_s + REST_S)
        return self.world.run(self._is_calm, WILD_CALM_WITHIN_S if self.story.wild else CALM_WITHIN_S)

    def start_desk(self):
        program = Program(self.world, f"desk {next(self._names)}")
        clock = VirtualClock(self.world)
        store = MemoryStore(self.rows, self.world, self.database)
        owner = Owner(name=program.name, is_gone=self._dead.__contains__)

        def start():
            desk = Desk(
                store,
                {BINANCE_FUTURES: self._venue(self.exchange, clock)},
                clock,
                owner=owner,
                venue_timeout_s=VENUE_TIMEOUT_S,
                ledger_check_every_s=20.0 if self.story.wild else 3_600.0,
            )
            program.create_task(desk.run())
            return desk

        self.world.tell("start", program.name)
        self.desks.append((program, program.enter(start)))

    @property
    def program(self):
        return self.desks[-1][0]

    def kill(self, program, restart_after_s):
        if program.is_dead:
            return
        self.world.tell("kill", program.name)
        self.kills += 1
        self._graveyard.append(asyncio.all_tasks(program))
        program.kill()
        self._dead.add(program.name)
        self.database.crash(self.rows)
        if program is self.program:
            self.world.after(restart_after_s, self.start_desk)

    def do_alert(self, bot, action, symbol, part, times):
        number = len(self.alerts)
        instruction = Instruction(
            ticker=symbol,
            symbol=symbol,
            action=Action(action),
            key=f"alert {number}",
            key_ttl_s=86_400,
            size=None if part is None else Size(unit=SizeUnit.PERCENT, amount=part),
            payload={},
        )
        self.send(Alert(number, self.story.bots[bot].id, instruction), times)

    def send(self, alert, times=1):
        self.alerts.append(alert)
        for _ in range(times):
            self._post(alert, times)

    def do_price(self, symbol, price):
        self.exchange.move_price(symbol, price)

    def do_kill(self, point, countdown, restart_after_s):
        self.world.faults[f"kill {point}"] += 1
        program, count = self.program, itertools.count(1)

        def passed(*_given):
            if next(count) == countdown:
                self.kill(self.program, restart_after_s)

        if point == "after_commit":
            self.database.after_commit = passed
        elif point == "request_left":
            self.exchange.after_sent = passed
        elif point == "executed":
            self.exchange.after_executed = passed
        else:
            self.kill(program, restart_after_s)
            if point == "while_taking_over":
                self.world.after(restart_after_s + 0.002 * countdown, lambda: self.kill(self.program, 0.5))

    def do_stop(self, for_s, when, countdown):
        """SIGSTOP, and SIGCONT later, when another desk may have taken over: at any time, or at the worst."""
        self.world.faults["stopped"] += 1
        count = itertools.count(1)

        def stop(*_given):
            program = self.program
            if next(count) != countdown or program.is_dead or program.is_stopped:
                return
            self.world.tell("stop", program.name)
            program.stop()
            self.start_desk()
            self.world.after(for_s, self._go_on, program)

        if when == 1:
            self.database.after_commit = stop
        elif when == 2:
            self.exchange.after_sent = stop
        elif when == 3:
            self.database.before_moves = stop
        else:
            count = itertools.count(countdown)
            stop()

    def do_database_away(self, for_s):
        self.world.faults["database_away"] += 1
        self.database.away_until_s = self.world.now_s + for_s

    def do_clock_step(self, by_s):
        self.world.faults["clock_step"] += 1
        self.world.machine_step_s += by_s

    def do_breaker(self, mode):
        """Through the API: a transaction of its own, by whichever program."""
        at = self.world.now + timedelta(seconds=self.world.machine_step_s)
        reach = Reach(scope=BreakerScope.ALL)
        undo, self.rows.undo = self.rows.undo, []
        pulled = Breaker(reach=reach, mode=BreakerMode(mode), set_by="admin", set_at=at)
        engine_breaker.pull(Transaction(self.rows, self.world), pulled)
        self.rows.undo = undo
        self.breakers.append((self.world.now_s, mode))
        self.world.tell("breaker", mode)

    def _go_on(self, program):
        if program.is_stopped:
            self.world.tell("go on", program.name)
            program.go_on()
            self._rests_until_s = self.world.now_s + REST_S

    def _post(self, alert, times):
        """To the newest hub; what is not answered is sent again."""
        program, desk = self.desks[-1]
        if alert.is_answered and len(alert.received) >= times:
            return
        if not program.is_dead and not program.is_stopped:
            program.enter(program.create_task, self._accept(desk, alert))
        self.world.after(RESEND_AFTER_S, self._post_again, alert, times)

    def _post_again(self, alert, times):
        if not alert.is_answered:
            self._post(alert, times)

    async def _accept(self, desk, alert):
        received_at = desk._clock.now()
        try:
            acceptance = await desk.intake.accept(
                alert.bot_id, alert.instruction, source=SourceKind.TRADINGVIEW, received_at=received_at
            )
        except StoreUnavailable:
            return
        except CopydeskError as error:
            alert.refusal = str(error)
            return
        alert.received.append(acceptance)
        self.world.tell("acknowledged", alert.number, acceptance.signal_id, acceptance.duplicate)

    def _calm_down(self):
        """From here on nothing breaks; whoever is stopped goes on, and prices stand."""
        self.world.tell("calm")
        self.exchange.faults = Faults()
        self.database.loses_answers, self.database.away_until_s = 0.0, self.world.now_s
        self.database.before_moves = self.database.after_commit = None
        self.exchange.after_sent = self.exchange.after_executed = None
        if self.breakers and self.breakers[-1][1] != "release":
            self.do_breaker("release")

    def _is_calm(self):
        if self.world.now_s < self._rests_until_s:
            return False
        if self.rows.waiting or not all(alert.is_answered for alert in self.alerts):
            return False
        if self.program.is_dead or any(program.is_stopped for program, _ in self.desks):
            return False
        at_work = [desk for program, desk in self.desks if desk.is_running and not program.is_dead]
        if not any(all(map(desk._watching.is_watched, self.rows.accounts)) for desk in at_work):
            return False
        soon = at_work[0]._clock.now() + timedelta(seconds=2)
        if any(desk._reconciler._looking for desk in at_work):
            return False
        asked = [one for one in self.rows.active.values() if one.state is not State.REVIEW]
        if any(one.next_look_at is not None and one.next_look_at < soon for one in asked):
            return False
        return all(is_at_rest(one, wild=self.story.wild) for one in self.rows.active.values())


def is_at_rest(execution, *, wild=False):
    """Final, standing where it should stand, or waiting for a person; in a wild story, looked at for the last time too."""
    if execution.is_final:
        return not wild or execution.next_look_at is None
    standing = execution.is_protection and execution.state is State.WORKING and not execution.cancel_wanted
    return standing or execution.state is State.REVIEW
