"""The launcher's page: a card a program, with start, stop, open, and why it died."""

from collections.abc import Mapping, Sequence

from fastapi import Request
from nicegui import ui

from copydesk.dashboard.desktop.condition import ConditionLine
from copydesk.dashboard.desktop.leaving import Leaving
from copydesk.dashboard.desktop.question import Question
from copydesk.dashboard.desktop.story import LogTail
from copydesk.dashboard.frame import choices
from copydesk.dashboard.page import Reader
from copydesk.dashboard.parts import card, heading, line
from copydesk.dashboard.speech import Speech
from copydesk.ports.beside import LIVE, Opened, Phase

POLL_S = 0.25


def add_launcher_page(programs: Mapping[str, Opened], leaving: Leaving, *, poll_s: float = POLL_S) -> None:
    """`programs` by their words in the catalogue."""

    @ui.page("/")
    def front(request: Request) -> None:
        reader = Reader.of(request)
        say = reader.say
        reader.dress(say("desktop.launcher"))
        with ui.element("main").classes("stage"):
            with ui.element("div").classes("top line"):
                heading(say("desktop.launcher"), "h1")
                with line("end"):
                    ui.button(say("desktop.quit"), icon="close", on_click=leaving.ask).props("flat dense no-caps")
            with ui.element("div").classes("cards"):
                cards: Sequence[_ProgramCard] = [_ProgramCard(say, name, one) for name, one in programs.items()]
            choices(reader)
        question = Question(say, leaving, say("desktop.closing_launcher"))

        def tick() -> None:
            question.show()
            for one in cards:
                one.show()

        ui.timer(poll_s, tick)


class _ProgramCard:
    def __init__(self, say: Speech, name: str, program: Opened) -> None:
        self._say = say
        self._program = program
        title = say(f"desktop.{name}")
        with card(title):
            ui.label(say(f"desktop.about_{name}")).classes("muted")
            self._condition = ConditionLine(say, program.condition)
            with line():
                self._start = _button(say, "start", title, "play_arrow").mark(f"start-{name}")
                self._stop = _button(say, "stop", title, "stop").mark(f"stop-{name}")
                self._open = _button(say, "open", title, "open_in_new").mark(f"open-{name}")
            LogTail(say, program)
        self._start.on_click(program.start)
        self._stop.on_click(program.stop)
        self._open.on_click(self._show_it)
        self.show()

    def show(self) -> None:
        condition = self._program.condition
        self._condition.show(condition)
        self._start.set_enabled(condition.phase not in LIVE)
        self._stop.set_enabled(condition.phase in LIVE and condition.phase is not Phase.STOPPING)
        self._open.set_enabled(condition.phase is Phase.RUNNING)

    async def _show_it(self) -> None:
        self._open.props("loading")
        url = await self._program.open()
        self._open.props(remove="loading")
        if url is not None:
            ui.notify(self._say("desktop.opens_here", url=url), multi_line=True, timeout=30_000, close_button=True)


def _button(say: Speech, verb: str, title: str, icon: str) -> ui.button:
    button = ui.button(say(f"desktop.{verb}"), icon=icon).props("outline dense no-caps").classes("wide-button")
    button.props["aria-label"] = say(f"desktop.{verb}_named", name=title)
    return button
