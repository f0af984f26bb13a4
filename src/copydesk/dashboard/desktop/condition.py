"""How a program is, in a person's words: its phase and since when, and why it died."""

from nicegui import ui

from copydesk.dashboard.parts import line, since, utc
from copydesk.dashboard.speech import Speech
from copydesk.ports.beside import Condition, Phase

TONES = {
    Phase.STOPPED: "muted",
    Phase.STARTING: "accent",
    Phase.RUNNING: "up",
    Phase.STOPPING: "accent",
    Phase.WAITING: "warn",
    Phase.ENDED: "down",
}


def phase_words(say: Speech, condition: Condition) -> str:
    seconds = 0 if condition.again_s is None else round(condition.again_s)
    return say(f"desktop.{condition.phase}", seconds=seconds)


class ConditionLine:
    """`show` brings it up to date."""

    def __init__(self, say: Speech, condition: Condition) -> None:
        self._say = say
        with line():
            self._chip = ui.label().classes("chip").props('role="status"')
            ui.label(say("desktop.since")).classes("small muted")
            self._since = since(condition.since).classes("small muted")
            self._restarts = ui.label().classes("small muted")
        with ui.element("div").classes("stack") as self._end:
            self._title = ui.label().classes("small muted")
            with ui.element("pre").props('role="alert"'):
                self._why = ui.label()

    def show(self, condition: Condition) -> None:
        say = self._say
        self._chip.set_text(phase_words(say, condition))
        self._chip.classes(add=TONES[condition.phase], remove=" ".join(set(TONES.values()) - {TONES[condition.phase]}))
        if self._since.props.get("datetime") != utc(condition.since):
            self._since.props["datetime"] = utc(condition.since)
            self._since.update()
        self._restarts.set_text(say("desktop.restarted", count=condition.restarts) if condition.restarts else "")
        code = condition.code
        self._title.set_text(say("desktop.why") if code is None else say("desktop.with_code", code=code))
        self._why.set_text(condition.why)
        self._end.set_visibility(bool(condition.why))
