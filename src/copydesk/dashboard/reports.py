"""What others found, shown line by line: an account's pre-flight report, and what a bot's last signals would have done."""

from collections.abc import Mapping
from decimal import Decimal

from nicegui import ui

from copydesk.client.models import CheckAnswer
from copydesk.client.preview import PreviewAnswer, PreviewLine
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import empty, line, tile, utc
from copydesk.dashboard.table import Column, Kind, Row, Table
from copydesk.dashboard.telling import tone_of


def show_check(tab: Tab, found: CheckAnswer) -> None:
    """Each finding with its mark, the hub's own words for it, and what to do where it is not well."""
    say = tab.say
    verdict = ui.label(say("reports.ready" if found.ok else "reports.not_ready")).classes("strong")
    verdict.classes("up" if found.ok else "down").props('role="status"')
    with ui.element("div").classes("rows"):
        for one in found.findings:
            with line():
                mark = ui.icon("check_circle" if one.ok else "error").classes("up" if one.ok else "down")
                mark.props["aria-label"] = say("reports.well" if one.ok else "reports.unwell")
                ui.label(say.word("findings", one.name)).classes("strong")
                ui.label(one.detail)
                if not one.ok and one.advice:
                    ui.label(one.advice).classes("small muted advice")


def show_preview(tab: Tab, found: PreviewAnswer) -> None:
    """Sums first, then every signal; what is not known stays empty and says why below."""
    say = tab.say
    if not found.lines:
        empty(say("reports.no_signals"), icon="history")
        return
    with ui.element("div").classes("tiles"):
        copied = tile(say("reports.copied"))
        copied.set_text(say("reports.of", count=found.copied + found.refused, copied=found.copied))
        _result_tile(tab, say("reports.realised"), found.realised_usd)
        _result_tile(tab, say("reports.open"), found.open_usd)
    table = Table(
        tab,
        _columns(tab),
        title=say("reports.signals", count=found.signals),
        empty=lambda: empty(say("reports.no_signals"), icon="history"),
        rows_shown=min(len(found.lines), 10),
        level="h3",
    )
    table.show([_row(tab, place, one) for place, one in enumerate(found.lines)])
    ui.label(say("reports.estimate")).classes("small muted")
    if any(one.price_from == "now" for one in found.lines):
        ui.label(say("reports.unpriced")).classes("small muted")


def _result_tile(tab: Tab, name: str, value: Decimal | None) -> None:
    shown = tile(name)
    shown.set_text(tab.say("reports.not_known") if value is None else tab.say.usd(value, signed=True))
    shown.classes(tone_of(value) or "muted")


def _columns(tab: Tab) -> list[Column]:
    say = tab.say
    return [
        Column(field="at", title=say("reports.at"), kind=Kind.TIME, width=92),
        Column(field="signal", title=say("reports.what"), width=140, grows=True, tone="tone"),
        Column(field="would", title=say("reports.would"), width=100, tone="tone", wide_only=True),
        Column(field="quantity", title=say("reports.quantity"), kind=Kind.NUMBER, width=96, wide_only=True),
        Column(field="price", title=say("reports.price"), kind=Kind.NUMBER, width=106, wide_only=True),
        Column(field="price_from", title=say("reports.price_from"), width=120, wide_only=True),
        Column(
            field="result",
            title=say("reports.result"),
            kind=Kind.NUMBER,
            unit="USD",
            digits=2,
            width=104,
            tone="result_tone",
        ),
        Column(field="why", title=say("reports.why"), width=330, grows=True, wide_only=True),
    ]


def _row(tab: Tab, place: int, one: PreviewLine) -> Row:
    say = tab.say
    copies = one.would == "copy"
    leg = say("reports.nothing") if one.leg is None else say.word("legs", one.leg)
    direction = say.word("directions", one.direction) if one.direction else ""
    return {
        "id": str(place),
        "at": utc(one.received_at),
        "signal": f"{one.symbol} {leg} {direction}",
        "would": say("reports.copy" if copies else "reports.refuse"),
        "tone": "" if copies else "warn",
        "quantity": _text(one.quantity),
        "price": _text(one.price),
        "price_from": "" if one.price_from is None else say.word("prices", one.price_from),
        "result": _text(one.result_usd),
        "result_tone": tone_of(one.result_usd),
        "why": one.reason or _sum(one.numbers, one.inputs) or one.rule,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _sum(numbers: Mapping[str, str], inputs: Mapping[str, str]) -> str:
    """How a size came about, in numbers alone."""
    known = {**inputs, **numbers}
    if not known.keys() >= {"margin_usd", "leverage", "last_price", "exact_quantity", "quantity"}:
        return ""
    return "{margin_usd} USD × {leverage} ÷ {last_price} = {exact_quantity} → {quantity}".format_map(known)
