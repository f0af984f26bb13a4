"""What happens, in the program's own lines, and the end of its log file."""

from nicegui import ui

from copydesk.dashboard.page import Reader
from copydesk.dashboard.parts import card, moment
from copydesk.dashboard.speech import Speech
from copydesk.ports.beside import Line, Program, Worker

SHOWN = 40
LOG_LINES = 100
LOG_EVERY_S = 2.0
TONES = {"success": "up", "warning": "warn", "error": "down"}


class Story:
    """`show` adds what is new."""

    def __init__(self, reader: Reader, worker: Worker) -> None:
        self._worker = worker
        self._shown: list[Line] = []
        with card(reader.say("desktop.activity")):
            self._nothing = ui.label(reader.say("desktop.no_activity")).classes("muted")
            self._rows = ui.element("div").classes("rows story").props('role="log"')
            LogTail(reader.say, worker)

    def show(self) -> None:
        lines = list(self._worker.lines)[-SHOWN:]
        if lines != self._shown:
            self._shown = lines
            self._rows.clear()
            with self._rows:
                for one in reversed(lines):
                    with ui.element("div").classes("line"):
                        moment(one.at).classes("small muted")
                        ui.label(one.text).classes(TONES.get(one.level, ""))
        self._nothing.set_visibility(not lines)


class LogTail:
    """The end of the log file, read while somebody has it open."""

    def __init__(self, say: Speech, program: Program) -> None:
        self._say = say
        self._program = program
        self._is_open = False
        with ui.element("details") as details:
            with ui.element("summary"):
                ui.label(say("desktop.log")).classes("muted")
            with ui.element("pre"):
                self._log = ui.label(say("desktop.log_empty"))
        details.on("toggle", self._turn)
        ui.timer(LOG_EVERY_S, self._read)

    async def _read(self) -> None:
        if self._is_open:
            lines = await self._program.log_tail(LOG_LINES)
            self._log.set_text("\n".join(lines) or self._say("desktop.log_empty"))

    async def _turn(self) -> None:
        self._is_open = not self._is_open
        await self._read()
