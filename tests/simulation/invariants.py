"""What must hold when all is calm (safety.md §7), from the exchange's ledger and the rows alone: no rule of the engine is asked."""

from collections import defaultdict
from decimal import Decimal

from copydesk.domain.execution import State
from copydesk.domain.signal import Direction, LegKind
from copydesk.domain.subscription import OnUnprotected, effective_settings
from simulation.exchange import RECEIVE_WINDOW_S, STEP
from simulation.play import is_at_rest
from simulation.world import EPOCH

CLOCK_BOUND_S = 0.5
BREAKER_WITHIN_S = 1.0
NEVER_SENT = {State.SKIPPED, State.EXPIRED}
ENDED = {State.SKIPPED, State.EXPIRED, State.CANCELLED, State.REJECTED, State.FILLED, State.NOT_PLACED}


class Findings:
    """Counts what was checked, and tells what was broken."""

    def __init__(self):
        self.checked = defaultdict(int)
        self.broken = []

    def check(self, invariant, holds, *about):
        self.checked[invariant] += 1
        if not holds:
            self.broken.append(f"{invariant}: {' '.join(map(str, about))}")


def examine(play, *, calm):
    """All of them; `calm` is whether the play came to rest in time."""
    found = Findings()
    found.check("I13 at rest in time", calm, *(_unrest(play) if not calm else ()))
    found.check("nothing unexpected", not play.world.unexpected, *play.world.unexpected[:3])
    for rule in (_ledger, _once, _signals, _fresh, _positions, _order, _breaker, _epochs, _sizes, _protected, _late):
        rule(play, found)
    return found


def _unrest(play):
    wild = play.story.wild
    restless = [one for one in play.rows.active.values() if not is_at_rest(one, wild=wild)]
    shown = [f"{one.leg} {one.id[-6:]} {one.state} attempt {one.attempt} ({one.reason})" for one in restless[:5]]
    unanswered = [alert.number for alert in play.alerts if not alert.is_answered]
    return *shown, f"waiting signals {len(play.rows.waiting)}", f"unanswered alerts {unanswered}"


def _execution_id(client_id):
    return client_id.removeprefix("cd-").partition("-")[0]


def _by_execution(play):
    found = defaultdict(list)
    for order in play.exchange.orders:
        if order.client_id.startswith("cd-"):
            found[_execution_id(order.client_id)].append(order)
    return found


def _filled(order):
    return order.became.executed if order.became is not None else order.executed


def _ledger(play, found):
    """I1: what the venue has, we have; what we say was done, was done."""
    ordered = _by_execution(play)
    sent = {line.execution_id for line in play.rows.journal if line.state is State.SENDING}
    for execution_id, orders in ordered.items():
        execution = play.rows.executions.get(execution_id)
        found.check("I1 order has its execution", execution is not None, execution_id)
        if execution is None:
            continue
        found.check("I1 written down before it left", execution_id in sent, execution_id)
        total = sum(map(_filled, orders), Decimal(0))
        known = execution.executed_quantity == total or execution.state is State.REVIEW
        found.check(
            "I1 both tell the same fills", known, execution.leg, execution.state, execution.executed_quantity, total
        )
    for execution in play.rows.executions.values():
        if execution.executed_quantity > 0 or execution.state is State.WORKING:
            found.check("I1 execution has its order", execution.id in ordered, execution.leg, execution.state)


def _once(play, found):
    """I2: an opening is executed at most once, however often anything was asked, lost or restarted."""
    openings = defaultdict(int)
    for execution_id, orders in _by_execution(play).items():
        execution = play.rows.executions.get(execution_id)
        if execution is not None and execution.kind is LegKind.OPEN:
            openings[execution.signal_id, execution.subscription_id] += sum(order.executed > 0 for order in orders)
    for place, times in openings.items():
        found.check("I2 opened once", times <= 1, *place, times)
    left = defaultdict(int)
    for _, client_id in play.exchange.sent:
        left[client_id] += 1
    for client_id, times in left.items():
        found.check("I2 a request leaves once", times == 1, client_id, times)


def _signals(play, found):
    """I3: what was acknowledged is stored, once, and every follower has an answer with a reason."""
    for alert in play.alerts:
        ids = {acceptance.signal_id for acceptance in alert.received}
        found.check("I3 one signal an alert", len(ids) <= 1, alert.number, ids)
        for signal_id in ids:
            found.check("I3 signal stored", signal_id in play.rows.signals, signal_id)
    legs = defaultdict(list)
    for execution in play.rows.executions.values():
        legs[execution.signal_id, execution.subscription_id].append(execution)
        told = execution.reason or execution.state in {State.FILLED, State.WORKING, State.CANCELLED}
        found.check("I3 reason told", told, execution.leg, execution.state)
    for signal in play.rows.signals.values():
        only = signal.payload.get("subscription_id")
        for one in play.rows.subscriptions.values():
            if one.bot_id == signal.bot_id and only in {None, one.id}:
                followed = [each for each in legs[signal.id, one.id] if not each.is_protection]
                expected = max(len(signal.steps), 1)
                found.check("I3 one execution a leg", len(followed) == expected, signal.id, len(followed), expected)


def _fresh(play, found):
    """I4: nothing opens late."""
    for execution_id, orders in _by_execution(play).items():
        execution = play.rows.executions.get(execution_id)
        if execution is None or execution.kind is not LegKind.OPEN:
            continue
        expires_s = (execution.expires_at - EPOCH).total_seconds() + max(-play.world.machine_step_s, 0.0)
        if play.world.faults["clock_step"]:
            continue  # by which clock was it received? Freshness then counts by the desk's own.
        for order in orders:
            fresh = order.arrived_s <= expires_s + RECEIVE_WINDOW_S + CLOCK_BOUND_S
            found.check("I4 fresh", fresh, execution_id, order.arrived_s, expires_s)


def _positions(play, found):
    """I5: fills add up, at the venue and with us."""
    summed, ours = defaultdict(Decimal), defaultdict(Decimal)
    for order in play.exchange.orders:
        summed[order.account, order.symbol] += order.signed
    for (_, symbol), (account, position) in play.rows.positions.items():
        sign = 1 if position.direction is Direction.LONG else -1
        ours[account, symbol] += sign * position.quantity
    in_review = {(one.account_id, one.symbol) for one in play.rows.active.values() if one.state is State.REVIEW}
    for place in {*summed, *ours}:
        held = play.exchange.positions.get(place, Decimal(0))
        found.check("I5 fills add up at the venue", summed[place] == held, *place)
        if place not in in_review:
            found.check("I5 our position is the venue's", ours[place] == held, *place, ours[place], held)


def _order(play, found):
    """I6: no close is executed while an opening before it is not final."""
    ends, begun = {}, {}
    for line in play.rows.journal:
        begun.setdefault(line.execution_id, line.at_s)
        if line.state in ENDED:
            ends.setdefault(line.execution_id, line.at_s)
        else:
            ends.pop(line.execution_id, None)
    ordered = _by_execution(play)
    followed = [one for one in play.rows.executions.values() if not one.is_protection]
    for close in followed:
        if close.kind is not LegKind.CLOSE:
            continue
        for order in ordered.get(close.id, ()):
            for opening in followed:
                same = (opening.account_id, opening.symbol) == (close.account_id, close.symbol)
                before = opening.signal_id < close.signal_id and opening.kind is LegKind.OPEN
                if same and before and opening.id in ordered and opening.state is not State.REVIEW:
                    sent_late = min(one.arrived_s for one in ordered[opening.id])
                    waited = ends.get(opening.id, 1e9) <= order.executed_s + 1e-9 if order.executed_s else True
                    was_late = play.story.wild or sent_late > order.arrived_s
                    found.check("I6 close after its opening", waited or was_late, close.id, opening.id)


def _breaker(play, found):
    """I10: no opening leaves later than a second after the breaker."""
    pulled = None
    for at_s, mode in [*play.breakers, (float("inf"), "release")]:
        if pulled is not None:
            for sent_s, client_id in play.exchange.sent:
                execution = play.rows.executions.get(_execution_id(client_id))
                if execution is not None and execution.kind is LegKind.OPEN:
                    left = pulled + BREAKER_WITHIN_S < sent_s < at_s
                    found.check("I10 nothing opens behind the breaker", not left, client_id, pulled, sent_s)
        if mode == "release":
            pulled = None
        elif pulled is None:
            pulled = at_s


def _epochs(play, found):
    """I12: no move from an old epoch."""
    newest = 0
    for line in play.rows.journal:
        if line.epoch is not None:
            found.check("I12 epochs never go back", line.epoch >= newest, line.execution_id, line.epoch, newest)
            newest = max(newest, line.epoch)


def _sizes(play, found):
    """Reckoned in whole steps with integers, not with the engine's decimals."""
    for execution in play.rows.executions.values():
        if execution.kind is not LegKind.OPEN or execution.client_order_id is None:
            continue
        settings = effective_settings(
            play.rows.bots[execution.bot_id], play.rows.subscriptions[execution.subscription_id]
        )
        told = execution.plan["inputs"]
        found.check("size", "last_price" in told, execution.id, "was sent, and nobody knows any more why")
        if "last_price" not in told:
            continue
        price = int(Decimal(told["last_price"]) * 10)
        steps = int(settings.margin_usd * 100) * settings.leverage * 100 // price
        found.check("size", execution.requested_quantity == steps * STEP, execution.requested_quantity, steps)


def _protected(play, found):
    """Every position has its stop, or its follower was told, or it is being looked at by a person."""
    in_review = {(one.account_id, one.symbol) for one in play.rows.active.values() if one.state is State.REVIEW}
    for (subscription_id, symbol), (account, position) in play.rows.positions.items():
        one = play.rows.subscriptions[subscription_id]
        if effective_settings(play.rows.bots[one.bot_id], one).stop_loss_pct == 0 or (account, symbol) in in_review:
            continue
        standing = sum(
            order.quantity
            for order in play.exchange.orders
            if order.conditional
            and order.status == "NEW"
            and (order.account, order.symbol) == (account, symbol)
            and _is_stop_loss(play.rows.executions.get(_execution_id(order.client_id)))
        )
        only_told = one.copy.on_unprotected is OnUnprotected.ALERT
        found.check("protected", standing >= position.quantity or only_told, symbol, standing, position.quantity)


def _is_stop_loss(execution):
    return execution is not None and execution.kind is LegKind.STOP_LOSS


def _late(play, found):
    """While the venue keeps its promises, nothing is ever wrongly believed absent."""
    for execution in play.rows.executions.values():
        late = (execution.reason or "").startswith("Late truth")
        found.check("never wrongly absent", play.story.wild or not late, execution.leg, execution.reason)
