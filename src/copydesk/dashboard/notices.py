"""How somebody is told: addresses that go in and never come out, what of, quiet hours, and a test."""

from nicegui import ui
from pydantic import ValidationError

from copydesk.client.notifications import NotificationsAnswer, NotificationsWish, QuietHoursWish
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import card, line
from copydesk.domain.notice import NoticeKind


def show_notices(tab: Tab) -> None:
    place = ui.element("div").classes("stack form")
    begun: list[bool] = []

    async def begin() -> None:
        if begun:
            return
        found = await tab.person.ask(lambda api: api.notifications())
        begun.append(True)
        with place:
            _Form(tab, found)

    tab.keep(begin)


class _Form:
    """Addresses are replaced only where new ones are typed."""

    def __init__(self, tab: Tab, found: NotificationsAnswer) -> None:
        self._tab, say = tab, tab.say
        with card(say("notices.where")):
            self._known = ui.label().classes("strong")
            self._tell(found)
            self._addresses = ui.textarea(say("notices.addresses"), placeholder="tgram://…\nmailto://…")
            self._addresses.props('outlined autogrow autocomplete="off" spellcheck="false"')
            ui.label(say("notices.hint")).classes("small muted")
            with line():
                test = ui.button(say("notices.test"), icon="send").props("flat no-caps").on_click(self._test)
            self._button = test
            self._results = ui.element("div").classes("rows")
        with card(say("notices.what")):
            wanted = set(found.kinds)
            self._kinds = {
                kind: ui.checkbox(say.word("notice_kinds", kind), value=kind in wanted).props("dense")
                for kind in NoticeKind
            }
        with card(say("notices.quiet")):
            ui.label(say("notices.quiet_hint")).classes("small muted")
            quiet = found.quiet_hours
            with ui.element("div").classes("two"):
                start = "" if quiet is None else f"{quiet.start:%H:%M}"
                end = "" if quiet is None else f"{quiet.end:%H:%M}"
                self._start = ui.input(say("notices.start"), value=start).props(
                    "outlined type=time stack-label clearable"
                )
                self._end = ui.input(say("notices.end"), value=end).props("outlined type=time stack-label clearable")
            zone = "UTC" if quiet is None else quiet.time_zone
            self._zone = ui.input(say("notices.zone"), value=zone).props("outlined")
        self._problem = ui.label().classes("down").props('role="alert"')
        with line():
            save = ui.button(say("frame.save"), icon="check", on_click=self._save).props("no-caps unelevated")
            save.classes("end")

    def _tell(self, found: NotificationsAnswer) -> None:
        known = ", ".join(f"{one.scheme}: {one.hint}" for one in found.addresses)
        self._known.set_text(known or self._tab.say("notices.nowhere"))

    async def _save(self) -> None:
        say = self._tab.say
        self._problem.set_text("")
        try:
            wanted = self._wanted()
        except ValidationError as error:
            fields = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())
            self._problem.set_text(say("frame.refused", why=fields))
            return
        found = await self._tab.act(lambda api: api.set_notifications(wanted), done=say("notices.saved"))
        if found is not None:
            self._addresses.set_value("")
            self._tell(found)

    def _wanted(self) -> NotificationsWish:
        typed = [one.strip() for one in (self._addresses.value or "").splitlines() if one.strip()]
        quiet = None
        if self._start.value and self._end.value:
            quiet = QuietHoursWish.model_validate(
                {"start": self._start.value, "end": self._end.value, "time_zone": self._zone.value.strip()}
            )
        kinds = sorted(kind for kind, box in self._kinds.items() if box.value)
        return NotificationsWish(addresses=typed or None, kinds=kinds, quiet_hours=quiet)

    async def _test(self) -> None:
        self._button.props("loading")
        found = await self._tab.act(lambda api: api.test_notifications())
        self._button.props(remove="loading")
        self._results.clear()
        with self._results:
            for one in () if found is None else found.results:
                with line():
                    ui.icon("check_circle" if one.sent else "error").classes("up" if one.sent else "down")
                    ui.label(f"{one.scheme}: {one.hint}").classes("strong")
                    ui.label(self._tab.say("notices.sent") if one.sent else one.problem or "")


PAGE = Page(path="/notifications", title="notices.title", show=show_notices, icon="notifications")
