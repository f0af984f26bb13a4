"""The settings of a strategy bot, one field each; the hub judges them, and what it refuses stands at its field."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from copydesk.client.api import ApiClient
from copydesk.client.errors import NotUnderstood
from copydesk.client.models import BotAnswer, BotChange
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import card, line

Fields = Mapping[str, ui.switch | ui.input]


def show_settings(tab: Tab, bot_id: str, settings: Mapping[str, Any]) -> None:
    say = tab.say
    with card(say("strategies.settings")):
        with ui.element("div").classes("two"):
            fields = {
                name: setting_field(say.word("strategy_settings", name), value) for name, value in settings.items()
            }
        ui.label(say("strategies.settings_note")).classes("small muted")
        with line():
            save = ui.button(say("strategies.save"), icon="save").props("no-caps unelevated")
            save.on_click(tab.on(lambda: _save(tab, bot_id, settings, fields)))


def setting_field(name: str, value: Any) -> ui.switch | ui.input:
    if isinstance(value, bool):
        return ui.switch(name, value=value)
    return ui.input(name, value=str(value)).props("outlined hide-bottom-space")


async def _save(tab: Tab, bot_id: str, settings: Mapping[str, Any], fields: Fields) -> None:
    changes = changed_settings(settings, fields)
    if not changes:
        ui.notify(tab.say("strategies.unchanged"))
        return
    clear_refusals(fields)

    async def change(api: ApiClient) -> BotAnswer:
        try:
            return await api.change_bot(bot_id, BotChange(settings=changes))
        except NotUnderstood as error:
            for name, problem in error.fields.items():
                refuse_field(fields, name.removeprefix("settings."), problem)
            raise

    await tab.act(change, done=tab.say("strategies.saved"))


def changed_settings(settings: Mapping[str, Any], fields: Fields) -> dict[str, str | bool]:
    """Those that are not as they were shown."""
    wanted = {name: _told(field) for name, field in fields.items()}
    return {name: value for name, value in wanted.items() if value != _as_shown(settings[name])}


def clear_refusals(fields: Fields) -> None:
    for field in fields.values():
        if isinstance(field, ui.input):
            field.error = None


def _told(field: ui.switch | ui.input) -> str | bool:
    return field.value if isinstance(field, ui.switch) else str(field.value or "").strip()


def _as_shown(value: Any) -> str | bool:
    return value if isinstance(value, bool) else str(value)


def refuse_field(fields: Fields, name: str, problem: str) -> None:
    field = fields.get(name)
    if isinstance(field, ui.input):
        field.error = problem
