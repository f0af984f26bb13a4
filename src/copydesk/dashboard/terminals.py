"""MetaTrader 5 terminals as the programs beside them report: green or red, what the account has, what it holds."""

from decimal import Decimal

from nicegui import ui

from copydesk.client.terminals import TerminalAnswer
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import chip, figures, heading, line, since

POSITIONS_SHOWN = 8


def show_terminal(tab: Tab, one: TerminalAnswer) -> None:
    """One login's card."""
    say = tab.say
    with ui.element("section").classes("card stack") as section:
        section.props["aria-label"] = f"{one.login} {one.server}"
        with line():
            ui.element("span").classes(f"dot {'up' if one.connected else 'down'}").props('aria-hidden="true"')
            heading(f"{one.login or say('terminals.nobody')} · {one.server or say('terminals.no_server')}")
            text = say("terminals.connected" if one.connected else "terminals.away")
            chip(text, "up" if one.connected else "down").classes("end")
        with line("small muted"):
            ui.label(say.word("terminal_roles", one.role))
            ui.label(say("terminals.heard"))
            since(one.reported_at)
        figures(_figures(tab, one).items())
        if one.trade_allowed is False:
            ui.label(say("terminals.no_autotrading")).classes("small warn")
        _positions(tab, one)


def _figures(tab: Tab, one: TerminalAnswer) -> dict[str, str]:
    say, unit = tab.say, one.currency or ""
    told = {
        say("terminals.balance"): _amount(tab, one.balance, unit),
        say("terminals.equity"): _amount(tab, one.equity, unit),
        say("terminals.leverage"): None if one.leverage is None else f"1:{one.leverage}",
        # A margin level of 0 is what MetaTrader tells while no margin is used.
        say("terminals.margin_level"): say.percent(one.margin_level) if one.margin_level else None,
        say("terminals.margin_free"): _amount(tab, one.margin_free, unit),
        say("terminals.positions"): None if one.open_positions is None else say.number(one.open_positions),
    }
    return {name: value or "–" for name, value in told.items()}


def _amount(tab: Tab, value: Decimal | None, unit: str) -> str | None:
    return None if value is None else f"{tab.say.number(round(value, 2))} {unit}".strip()


def _positions(tab: Tab, one: TerminalAnswer) -> None:
    if not one.positions:
        return
    with ui.element("div").classes("rows small"):
        for held in one.positions[:POSITIONS_SHOWN]:
            with line():
                ui.label(held.symbol).classes("strong")
                ui.label(tab.say("terminals.lots", side=held.type.lower(), lots=held.volume))
                if held.entry is not None:
                    ui.label(tab.say("terminals.at", price=held.entry))
                ui.label(f"#{held.ticket}").classes("muted end")
    rest = len(one.positions) - POSITIONS_SHOWN
    if rest > 0:
        ui.label(tab.say("terminals.more", count=rest)).classes("small muted")
