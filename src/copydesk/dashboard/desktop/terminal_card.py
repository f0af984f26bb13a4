"""The card of the MetaTrader 5 terminal: green or red and since when, its account's figures, its positions."""

from decimal import Decimal

from nicegui import ui

from copydesk.dashboard.desktop.light import Light
from copydesk.dashboard.parts import card, heading, line, since, utc
from copydesk.dashboard.speech import Speech
from copydesk.ports.beside import Login

FIGURES = ("account", "server_name", "balance", "equity", "leverage", "margin_level", "positions")
GREEN, RED = "terminal-up", "terminal-down"
UNKNOWN = "–"


class TerminalCard:
    """`show` brings it up to date; what has not changed is not sent."""

    def __init__(self, say: Speech, light: Light) -> None:
        self._say = say
        self._section = card(classes="terminal")
        self._section.props["aria-label"] = say("desktop.terminal")
        with self._section:
            with line():
                heading(say("desktop.terminal"))
                self._state = ui.label().classes("chip").props('role="status"')
                ui.label(say("desktop.since")).classes("small muted")
                self._since = since(light.since).classes("small muted")
            self._reason = ui.label().classes("down")
            with ui.element("dl").classes("figures big"):
                self._figures = {name: _figure(say(f"desktop.{name}")) for name in FIGURES}
            self._warning = ui.label(say("desktop.autotrading_off")).classes("warn")

    def show(self, light: Light, account: Login | None) -> None:
        say = self._say
        tone = ("up", "down") if light.is_green else ("down", "up")
        self._section.classes(add=GREEN if light.is_green else RED, remove=RED if light.is_green else GREEN)
        self._state.set_text(say("desktop.connected" if light.is_green else "desktop.disconnected"))
        self._state.classes(add=tone[0], remove=tone[1])
        if self._since.props.get("datetime") != utc(light.since):
            self._since.props["datetime"] = utc(light.since)
            self._since.update()
        reason = "" if light.is_green else say(light.reason, words=light.words, seconds=light.seconds)
        if reason and account is not None:
            reason = f"{reason} {say('desktop.as_it_was')}"
        self._reason.set_text(reason)
        self._reason.set_visibility(bool(reason))
        for name, text in _written(say, account).items():
            self._figures[name].set_text(text)
        self._warning.set_visibility(account is not None and not account.trade_allowed)


def _figure(name: str) -> ui.label:
    with ui.element("div"):
        with ui.element("dt"):
            ui.label(name)
        with ui.element("dd"):
            return ui.label(UNKNOWN)


def _written(say: Speech, account: Login | None) -> dict[str, str]:
    if account is None:
        return dict.fromkeys(FIGURES, UNKNOWN)

    def money(amount: Decimal) -> str:
        return f"{say.usd(amount).removesuffix('USD')}{account.currency}"

    return {
        "account": str(account.login),
        "server_name": account.server,
        "balance": money(account.balance),
        "equity": money(account.equity),
        "leverage": f"1:{account.leverage}",
        "margin_level": say.percent(account.margin_level) if account.margin_level else UNKNOWN,
        "positions": say.number(len(account.positions)),
    }
