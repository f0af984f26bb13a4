"""The page in the window of a Master Sender or a Client Copier."""

from collections.abc import Mapping

from fastapi import Request
from nicegui import ui

from copydesk.dashboard.desktop.condition import ConditionLine
from copydesk.dashboard.desktop.leaving import Leaving
from copydesk.dashboard.desktop.question import Question
from copydesk.dashboard.desktop.settings_form import SettingsForm
from copydesk.dashboard.desktop.sign_in import show_sign_in
from copydesk.dashboard.desktop.story import Story
from copydesk.dashboard.desktop.tables import add_tables
from copydesk.dashboard.desktop.terminal_card import UNKNOWN, TerminalCard
from copydesk.dashboard.desktop.terminal_window import TerminalWindow
from copydesk.dashboard.frame import choices
from copydesk.dashboard.page import Reader
from copydesk.dashboard.parts import heading, line, tile
from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import LIVE, Phase

TILES: Mapping[TerminalRole, tuple[str, ...]] = {
    TerminalRole.MASTER: ("signals_sent", "active_clients", "open_signals", "bot", "plan", "desk"),
    TerminalRole.COPIER: ("copies", "refused", "plan", "desk"),
}


def add_terminal_pages(window: TerminalWindow, leaving: Leaving) -> None:
    @ui.page("/")
    def front(request: Request) -> None:
        reader = Reader.of(request)
        reader.dress(reader.say(f"desktop.{window.worker.role}"))
        show = _Panel(window, leaving, reader).show if window.hub.access is not None else None
        if show is None:
            show_sign_in(window, reader)
        question = Question(reader.say, leaving, reader.say(f"desktop.closing_{window.worker.role}"))

        def tick() -> None:
            question.show()
            if (show is None) != (window.hub.access is None):
                ui.navigate.to("/")
            elif show is not None:
                show()

        ui.timer(window.poll_s, tick)


class _Panel:
    """Everything that is shown to who is signed in."""

    def __init__(self, window: TerminalWindow, leaving: Leaving, reader: Reader) -> None:
        self._window = window
        self._say = reader.say
        role = window.worker.role
        with ui.element("main").classes("stage"):
            self._top(reader, leaving)
            self._condition = ConditionLine(reader.say, window.worker.condition)
            self._terminal = TerminalCard(reader.say, window.light)
            with ui.element("div").classes("tiles"):
                self._tiles = {name: tile(reader.say(f"desktop.{name}")) for name in TILES[role]}
            self._tables = add_tables(reader, role)
            with ui.element("div").classes("two"):
                self._story = Story(reader, window.worker)
                self._settings = SettingsForm(reader, window.hub, role)
        self._paint()

    def show(self) -> None:
        """What has changed since the last time. Tables take rows only once the page is there."""
        self._paint()
        self._tables(self._window.worker.insight)

    def _paint(self) -> None:
        worker, insight = self._window.worker, self._window.worker.insight
        phase = worker.condition.phase
        self._start.set_visibility(phase in {Phase.STOPPED, Phase.ENDED})
        self._stop.set_visibility(phase in LIVE)
        self._stop.set_enabled(phase is not Phase.STOPPING)
        self._condition.show(worker.condition)
        self._terminal.show(self._window.light, None if insight is None else insight.account)
        for name, text in self._written().items():
            self._tiles[name].set_text(text)
        self._story.show()
        self._settings.show()

    def _top(self, reader: Reader, leaving: Leaving) -> None:
        window, say = self._window, reader.say
        with ui.element("div").classes("top line"):
            heading(say(f"desktop.{window.worker.role}"), "h1")
            access = window.hub.access
            ui.label("" if access is None else access.username).classes("muted")
            with line("end"):
                self._start = ui.button(say("desktop.start"), icon="play_arrow", on_click=window.start)
                self._stop = ui.button(say("desktop.stop"), icon="stop", on_click=window.worker.stop)
                for button in (self._start, self._stop):
                    button.props("outline dense no-caps").classes("wide-button")
                with ui.button(icon="more_vert").props("flat round dense") as more:
                    more.props["aria-label"] = say("desktop.settings")
                    with ui.menu().classes("menu"), ui.element("div").classes("stack"):
                        choices(reader)
                        ui.button(say("frame.sign_out"), icon="logout", on_click=window.sign_out).props(
                            "flat dense no-caps"
                        )
                        ui.button(say("desktop.quit"), icon="close", on_click=leaving.ask).props("flat dense no-caps")

    def _written(self) -> Mapping[str, str]:
        hub, insight, say = self._window.hub, self._window.worker.insight, self._say
        shared = {
            "plan": UNKNOWN if hub.profile is None else hub.profile.subscription,
            "desk": say("frame.hub_away" if hub.is_away else "frame.hub_well" if hub.profile else "frame.asking"),
        }

        def count(number: int | None) -> str:
            return UNKNOWN if number is None else say.number(number)

        if self._window.worker.role is TerminalRole.COPIER:
            copies = None if insight is None else len(insight.copies)
            refused = None if insight is None else len(insight.not_done)
            return {"copies": count(copies), "refused": count(refused), **shared}
        return {
            "signals_sent": count(None if insight is None else insight.sent),
            "active_clients": count(hub.active_clients),
            "open_signals": count(None if insight is None else len(insight.signals)),
            "bot": UNKNOWN if insight is None else insight.bot or UNKNOWN,
            **shared,
        }
