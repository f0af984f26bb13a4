"""The parts of the desk with their lights, and since when; and what wants a person's eye."""

from collections.abc import Iterable, Sequence

from nicegui import ui

from copydesk.client.overview import AlertAnswer, AlertKind, Light, PartAnswer, PartKind
from copydesk.dashboard.desk import Names
from copydesk.dashboard.parts import empty, line, moment, since
from copydesk.dashboard.speech import Speech

TONES = {Light.GREEN: "up", Light.AMBER: "warn", Light.RED: "down"}
_ICONS = {
    PartKind.EXECUTOR: "memory",
    PartKind.VENUE: "account_balance",
    PartKind.MASTER: "podcasts",
    PartKind.COPIER: "content_copy",
}
PARTS_MAX = 12
"""On the page; what is not green comes first."""

ALERTS_MAX = 8
_WORST_FIRST = (Light.RED, Light.AMBER, Light.GREEN)


def show_parts(say: Speech, parts: Sequence[PartAnswer]) -> None:
    if not parts:
        empty(say("overview.no_parts"), icon="dns")
    shown = sorted(parts, key=lambda one: (_WORST_FIRST.index(one.light), list(PartKind).index(one.kind)))
    for one in shown[:PARTS_MAX]:
        _part(say, one)
    if len(parts) > PARTS_MAX:
        ui.label(say("overview.parts_more", count=len(parts) - PARTS_MAX)).classes("small muted")


def show_alerts(say: Speech, alerts: Sequence[AlertAnswer], names: Names) -> None:
    for one in alerts[:ALERTS_MAX]:
        with ui.element("div").classes("alert").props('role="listitem"'):
            ui.icon("error" if one.light is Light.RED else "warning").classes(TONES[one.light])
            with ui.element("div").classes("grow"):
                ui.label(_alert(say, one, names)).classes("strong")
                if one.detail and one.kind is not AlertKind.PART:
                    ui.label(one.detail).classes("small muted")
            since(one.at).classes("small muted")
            if one.signal_id is not None:
                ui.link(say("overview.look"), f"/signals/{one.signal_id}")
    if len(alerts) > ALERTS_MAX:
        ui.label(say("overview.alerts_more", count=len(alerts) - ALERTS_MAX)).classes("small muted")


def same(parts: Iterable[PartAnswer]) -> list[object]:
    """What a drawing of the parts depends on: a heartbeat alone draws nothing anew."""
    return [(one.id, one.condition, one.since, one.accounts, one.name) for one in parts]


def _part(say: Speech, one: PartAnswer) -> None:
    with ui.element("div").classes("part"):
        ui.element("span").classes(f"dot {TONES[one.light]}").props('aria-hidden="true"')
        ui.icon(_ICONS[one.kind]).classes("muted").props('aria-hidden="true"')
        with ui.element("div").classes("grow"):
            with line():
                ui.label(say.word("parts", one.kind)).classes("strong")
                ui.label(_named(say, one)).classes("muted small clip")
            with line("small"):
                ui.label(say.word("conditions", one.condition)).classes(TONES[one.light])
                if one.heard_at is not None:
                    ui.label(say("overview.heard")).classes("muted")
                    since(one.heard_at).classes("muted")
        with ui.element("div").classes("small muted aligned"):
            ui.label(say("overview.since"))
            moment(one.since)


def _named(say: Speech, one: PartAnswer) -> str:
    owner = f"{one.owner} · " if one.owner else ""
    accounts = "" if one.accounts is None else " · " + say("overview.accounts", count=one.accounts)
    return f"{owner}{one.name}{accounts}"


def _alert(say: Speech, one: AlertAnswer, names: Names) -> str:
    if one.kind is AlertKind.PART:
        kind = say.word("parts", one.id.partition(":")[0])
        return say("alerts.part", part=kind, name=one.name or "", condition=say.word("conditions", one.detail or ""))
    account = names.account(one.account_id) if one.account_id else one.name or ""
    return say(f"alerts.{one.kind}", account=account, symbol=one.symbol or "", count=one.number or 0)
