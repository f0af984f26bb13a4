"""One signal's way: received, stored, planned, sent, filled; and each follower's orders with the reasons and numbers behind them."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from nicegui import ui

from copydesk.client.errors import Missing
from copydesk.client.models import ExecutionAnswer, SignalAnswer
from copydesk.dashboard.desk import Names
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import Drawn, card, chip, empty, figures, heading, line, moment
from copydesk.dashboard.speech import Speech
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.dashboard.telling import (
    action,
    figures_spoken,
    is_protection,
    leg,
    price,
    quantity,
    reason,
    sentence,
    shares,
    slippage_bps,
    tally,
    tone,
    why,
)

EXECUTIONS_MAX = 1_000
"""On the page; the counts of a signal with more followers are the hub's own."""

FOLLOWERS_MAX = 24
"""Cards on the page: what needs a person's eye comes first, the table has everybody."""

_URGENCY = ("failed", "pending", "skipped", "success")
_LEGS = ("close", "open", "modify")
_SENT, _DONE = {"SENDING"}, {"FILLED", "PARTIAL"}


def show_way(tab: Tab, signal_id: str) -> None:
    place = Drawn(ui.element("div").classes("stack"))
    with card() as followers:
        table = _table(tab)
    cards = Drawn(ui.element("div").classes("cards"))
    followers.set_visibility(False)

    async def look() -> None:
        try:
            signal = await tab.person.ask(lambda api: api.signal(signal_id))
        except Missing:
            place.show("missing", lambda: _missing(tab.say))
            return
        executions = await tab.person.ask(lambda api: api.executions(signal_id=signal_id, most=EXECUTIONS_MAX))
        names = await tab.person.names()
        place.show((signal, executions, names.bot(signal.bot_id)), lambda: _head(tab, signal, executions, names))
        followers.set_visibility(True)
        table.show([_row(tab.say, one, names) for one in sorted(executions, key=_urgency)])
        cards.show(executions, lambda: _followers(tab.say, signal, executions, names))

    tab.keep(look, polls=2)


def _urgency(one: ExecutionAnswer) -> tuple[bool, int]:
    """Followers' own orders first, then stops; in each what needs a person's eye."""
    return is_protection(one), _URGENCY.index(one.status)


def _missing(say: Speech) -> None:
    with card(), empty(say("signal.missing"), icon="search_off"):
        ui.link(say("overview.all_signals"), "/signals")


def _head(tab: Tab, signal: SignalAnswer, executions: Sequence[ExecutionAnswer], names: Names) -> None:
    say = tab.say
    with card():
        with line():
            heading(action(say, signal))
            chip(say.word("sources", signal.source), "accent" if signal.source == "test" else "muted")
            if bot := names.bot(signal.bot_id):
                ui.link(bot, f"/bots/{signal.bot_id}")
        if signal.note:
            ui.label(signal.note).classes("muted")
        with ui.element("ol").classes("way"):
            _step(say, "received", done=True, note=lambda: moment(signal.received_at, fine=True))
            stored = _after(say, signal, signal.created_at)
            _step(say, "stored", done=True, text=say("signal.before_sending", ms=stored))
            for name, times in _stages(executions).items():
                _step(say, name, done=bool(times), text=_range(say, signal, times))
        fared = tally(executions)
        with ui.element("div").classes("bar thick").props('aria-hidden="true"'):
            for status, count in shares(fared):
                ui.element("i").classes(status).style(f"flex: {count}")
        ui.label(sentence(say, fared))
        with ui.element("details").classes("small muted"):
            with ui.element("summary"):
                ui.label(say("signal.message"))
            with ui.element("pre"):
                ui.label(json.dumps(signal.payload, indent=2, ensure_ascii=False))


def _stages(executions: Sequence[ExecutionAnswer]) -> dict[str, list[datetime]]:
    """When the followers' own orders were planned, sent and filled; stops come after and would blur it."""
    own = [one for one in executions if not is_protection(one)]
    return {
        "planned": [one.created_at for one in own],
        "sent": _first(own, _SENT),
        "filled": _first(own, _DONE),
    }


def _first(executions: Iterable[ExecutionAnswer], states: set[str]) -> list[datetime]:
    found = (next((event.at for event in one.timeline if event.state in states), None) for one in executions)
    return [at for at in found if at is not None]


def _step(say: Speech, name: str, *, done: bool, text: str = "", note: Callable[[], object] | None = None) -> None:
    with ui.element("li").classes("done" if done else ""):
        ui.label(say(f"signal.{name}")).classes("strong")
        if note is not None:
            note()
        else:
            ui.label(text or say("signal.not_yet")).classes("muted")


def _range(say: Speech, signal: SignalAnswer, times: Sequence[datetime]) -> str:
    if not times:
        return ""
    first, last = _after(say, signal, min(times)), _after(say, signal, max(times))
    return first if first == last else say("signal.range", first=first, last=last, count=len(times))


def _after(say: Speech, signal: SignalAnswer, at: datetime) -> str:
    return "+" + say.ms((at - signal.received_at).total_seconds() * 1000)


def _table(tab: Tab) -> Table:
    say = tab.say
    columns = (
        Column(field="account", title=say("orders.account"), width=120, grows=True),
        Column(field="leg", title=say("orders.leg"), width=120),
        Column(field="state", title=say("orders.state"), width=120, tone="tone"),
        Column(field="quantity", title=say("orders.quantity"), width=110, wide_only=True),
        Column(field="price", title=say("orders.price"), unit="USD", kind=Kind.NUMBER, width=120, wide_only=True),
        Column(field="slippage", title=say("signal.slippage"), unit="bps", kind=Kind.NUMBER, width=140, digits=2),
        Column(field="ms", title=say("orders.latency"), unit="ms", kind=Kind.NUMBER, width=150, wide_only=True),
        Column(field="reason", title=say("orders.reason"), width=160, grows=True, wide_only=True),
    )
    nobody = say("signal.nobody")
    return Table(
        tab, columns, title=say("signal.followers"), empty=lambda: empty(nobody, icon="group_off"), rows_shown=8
    )


def _row(say: Speech, one: ExecutionAnswer, names: Names) -> Row:
    paid, slipped = price(one), slippage_bps(one)
    return {
        "id": one.id,
        "account": names.account(one.account_id),
        "leg": leg(say, one.leg),
        "state": say.word("states", one.state),
        "tone": tone(one),
        "quantity": quantity(say, one),
        "price": None if paid is None else str(paid),
        "slippage": None if slipped is None else str(round(slipped, 2)),
        "ms": one.execution_time_ms,
        "reason": reason(say, one),
    }


def _followers(say: Speech, signal: SignalAnswer, executions: Sequence[ExecutionAnswer], names: Names) -> None:
    groups: dict[str, list[ExecutionAnswer]] = {}
    for one in sorted(executions, key=lambda one: (one.leg not in _LEGS, one.leg, one.id)):
        groups.setdefault(one.subscription_id, []).append(one)
    cards = sorted(groups.values(), key=lambda group: min(_URGENCY.index(one.status) for one in group))
    for group in cards[:FOLLOWERS_MAX]:
        with card(names.account(group[0].account_id)):
            for one in group:
                _order(say, signal, one)
    if len(cards) > FOLLOWERS_MAX:
        ui.label(say("signal.more", count=len(cards) - FOLLOWERS_MAX)).classes("muted")


def _order(say: Speech, signal: SignalAnswer, one: ExecutionAnswer) -> None:
    with ui.element("div").classes("order"):
        with line():
            chip(say.word("states", one.state), tone(one))
            paid = price(one)
            at = "" if paid is None else say("signal.at", price=paid)
            took = "" if one.execution_time_ms is None else f" · {say.ms(one.execution_time_ms)}"
            ui.label(f"{leg(say, one.leg)} · {say.word('sides', one.side)} {quantity(say, one)} {at}{took}")
        for told in why(say, one):
            ui.label(told)
        if (slipped := slippage_bps(one)) is not None:
            ui.label(say("signal.slipped", bps=round(slipped, 2))).classes("small muted")
        with ui.element("details").classes("small"):
            with ui.element("summary"):
                ui.label(say("signal.details"))
            figures(figures_spoken(say, one))
            with ui.element("div").classes("steps muted"):
                for event in one.timeline:
                    note = f" ({event.note})" if event.note else ""
                    ui.label(f"{say.word('states', event.state)} {_after(say, signal, event.at)}{note}")


PAGE = Page(path="/signals/{signal_id}", title="signal.title", show=show_way)
