"""One signal's way: received, stored, and each follower's orders with the reasons and numbers behind them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import httpx
from nicegui import ui

from copydesk.client.errors import ApiError
from copydesk.client.models import ExecutionAnswer, SignalAnswer
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import empty, figures, heading, moment
from copydesk.dashboard.telling import figures_of, is_protection, price, quantity, spoken, tally, tone, why

FOLLOWERS_MAX = 50
"""Cards on the page; what needs a person's eye comes first."""
_URGENCY = ("failed", "pending", "skipped", "success")
_LEGS = ("close", "open")
_GONE = "This signal does not exist, or is not yours to see. The Overview has those that are."
_NOBODY = "Nobody you may see followed this signal: an account is subscribed to the bot first."


def show_way(tab: Tab, signal_id: str) -> None:
    place = ui.element("div").classes("stack")
    names: dict[str, str] = {}
    drawn: list[object] = [None]
    found: list[SignalAnswer] = []

    async def look() -> None:
        try:
            found[:] = found or [await tab.person.ask(lambda api: api.signal(signal_id))]
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND and drawn != [_GONE]:
                drawn[0] = _GONE
                with place, ui.element("section").classes("card"):
                    empty(_GONE)
            return
        signal = found[0]
        executions = await tab.person.ask(lambda api: api.executions(signal_id=signal_id))
        if drawn == [(signal, executions)]:
            return
        with suppress(ApiError):  # a provider may not see its followers' accounts: they stay nameless
            names.update({one.id: f"{one.name} · " for one in await tab.person.ask(lambda api: api.accounts())})
        bot = (await tab.person.look()).bots.get(signal.bot_id)
        drawn[0] = (signal, executions)
        place.clear()
        with place:
            _head(signal, executions, "a bot" if bot is None else bot.name)
            _followers(signal, executions, names)

    tab.keep(look, polls=2)


def _head(signal: SignalAnswer, executions: Sequence[ExecutionAnswer], bot: str) -> None:
    own = [one for one in executions if not is_protection(one)]
    times = [one.execution_time_ms for one in own if one.execution_time_ms is not None]
    with ui.element("section").classes("card stack"):
        with ui.element("div").classes("line"):
            heading(f"{spoken(signal.action)} {signal.symbol}", "h1")
            ui.label(f"{bot} · from {signal.source}").classes("muted")
        if signal.note:
            ui.label(signal.note)
        with ui.element("div").classes("way"):
            with ui.element("div"):
                ui.label("Received").classes("muted")
                moment(signal.received_at, fine=True)
            with ui.element("div"):
                ui.label("Stored").classes("muted")
                ui.label(f"{_after(signal, signal.created_at)}, before anything was sent")
            with ui.element("div"):
                ui.label("Followers").classes("muted")
                ui.label(tally(executions).sentence())
                if times:
                    ui.label(f"answered {min(times)} to {max(times)} ms after receipt").classes("small muted")
        with ui.element("details").classes("small muted"):
            with ui.element("summary"):
                ui.label("The message as it came, without its secret")
            with ui.element("pre"):
                ui.label(json.dumps(signal.payload, indent=2, ensure_ascii=False))


def _followers(signal: SignalAnswer, executions: Sequence[ExecutionAnswer], names: Mapping[str, str]) -> None:
    groups: dict[str, list[ExecutionAnswer]] = {}
    for one in sorted(executions, key=lambda one: (one.leg not in _LEGS, one.leg, one.id)):
        groups.setdefault(one.subscription_id, []).append(one)
    cards = sorted(groups.values(), key=lambda group: min(_URGENCY.index(one.status) for one in group))
    if not cards:
        with ui.element("section").classes("card"):
            empty(_NOBODY)
    with ui.element("div").classes("cards"):
        for group in cards[:FOLLOWERS_MAX]:
            with ui.element("section").classes("card stack"):
                account = group[0].account_id
                heading(f"{names.get(account, 'Account ')}…{account[-6:]}")
                for one in group:
                    _order(signal, one)
    if len(cards) > FOLLOWERS_MAX:
        ui.label(f"{len(cards) - FOLLOWERS_MAX} more followers are counted above and not shown here.")


def _order(signal: SignalAnswer, one: ExecutionAnswer) -> None:
    with ui.element("div").classes("order"):
        with ui.element("div").classes("line"):
            ui.label(spoken(one.state)).classes(f"chip {tone(one)}")
            at = f" at {price(one)}" if price(one) else ""
            ui.label(f"{spoken(one.leg)} · {one.side.lower()} {quantity(one)}{at}")
            ui.label("" if one.execution_time_ms is None else f"{one.execution_time_ms} ms").classes("muted end")
        for sentence in why(one):
            ui.label(sentence)
        figures((spoken(name), value) for name, value in figures_of(one).items())
        with ui.element("div").classes("steps muted small"):
            for event in one.timeline:
                note = f" ({event.note})" if event.note else ""
                ui.label(f"{spoken(event.state)} {_after(signal, event.at)}{note}")


def _after(signal: SignalAnswer, at: datetime) -> str:
    return f"+{(at - signal.received_at).total_seconds() * 1000:,.1f} ms"


PAGE = Page(path="/signals/{signal_id}", title="signal.title", show=show_way)
