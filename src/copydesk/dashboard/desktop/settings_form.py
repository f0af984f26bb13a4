"""The settings that the hub holds for this user, as a form: a button shows the hub's own answer."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from copydesk.client.models import BotAnswer, BotChange
from copydesk.client.people import TradeCopy, UserConfigChange
from copydesk.dashboard.desk import AWAY
from copydesk.dashboard.desktop.hub_side import HubSide
from copydesk.dashboard.desktop.sign_in import typed
from copydesk.dashboard.page import Reader, refusal
from copydesk.dashboard.parts import card, heading
from copydesk.dashboard.speech import Speech
from copydesk.domain.instrument import plain
from copydesk.domain.terminal import CopyMode, TerminalRole

SIZES = ("fixed_lot", "multiplier")
LIMITS = (
    "max_slippage_points",
    "max_spread_points",
    "max_orders_per_symbol",
    "max_exposure_trades",
    "max_exposure_lots",
)


class SettingsForm:
    """Filled once the hub has told; what a person has begun to change is not overwritten."""

    def __init__(self, reader: Reader, hub: HubSide, role: TerminalRole) -> None:
        self._say = reader.say
        self._hub = hub
        self._role = role
        self._is_filled = False
        with card(reader.say("desktop.settings")) as self._section:
            self._waiting = ui.label(reader.say("desktop.settings_away")).classes("muted")

    def show(self) -> None:
        told = self._hub.config if self._role is TerminalRole.COPIER else self._hub.bots
        if self._is_filled or not told:
            return
        self._is_filled = True
        self._waiting.delete()
        with self._section:
            ui.label(self._say(f"desktop.settings_{self._role}")).classes("small muted")
            if self._hub.config is not None:
                _copying(self._say, self._hub, self._hub.config.trade_copy)
            for bot in self._hub.bots:
                _sending(self._say, self._hub, bot)


def _copying(say: Speech, hub: HubSide, told: TradeCopy) -> None:
    with ui.element("form").classes("stack") as form:
        modes = {one.value: say(f"desktop.mode_{one}") for one in CopyMode}
        mode = ui.select(modes, value=told.mode.value, label=say("desktop.mode")).props("outlined dense")
        with ui.element("div").classes("tiles"):
            fields = {name: _field(say, name, getattr(told, name)) for name in (*SIZES, *LIMITS)}
        button = _save_button(say)

    async def save() -> None:
        wanted: dict[str, Any] = {"mode": mode.value}
        wanted |= {name: typed(fields[name]) or None for name in LIMITS}
        wanted |= {name: typed(fields[name]) for name in SIZES}
        await _save(say, button, lambda: hub.change_config(_change(wanted)))

    form.on("submit.prevent", save)


def _change(wanted: dict[str, Any]) -> UserConfigChange:
    """Raise ValueError that says what is wrong."""
    return UserConfigChange.model_validate({"trade_copy": wanted}, strict=False)


def _sending(say: Speech, hub: HubSide, bot: BotAnswer) -> None:
    with ui.element("form").classes("stack") as form:
        heading(bot.name, "h3")
        freshness = _field(say, "open_freshness_s", bot.open_freshness_s)
        takes = ui.switch(say("desktop.takes_signals"), value=bot.status == "active")
        button = _save_button(say)

    async def save() -> None:
        status = "active" if takes.value else "paused"
        wanted = {"open_freshness_s": typed(freshness), "status": status}
        await _save(say, button, lambda: hub.change_bot(bot.id, BotChange.model_validate(wanted, strict=False)))

    form.on("submit.prevent", save)


def _field(say: Speech, name: str, value: Any) -> ui.input:
    """As it is typed: a point for decimals in every language, as the API takes them."""
    text = "" if value is None else plain(value) if hasattr(value, "as_tuple") else str(value)
    return ui.input(say(f"desktop.{name}"), value=text).props('outlined dense inputmode="decimal"')


def _save_button(say: Speech) -> ui.button:
    return ui.button(say("desktop.save")).props('type="submit" no-caps unelevated')


async def _save(say: Speech, button: ui.button, change: Callable[[], Awaitable[None]]) -> None:
    button.props("loading")
    try:
        await change()
    except ValidationError as error:
        words = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
        ui.notify(say("frame.refused", why=words), type="negative", multi_line=True)
    except AWAY as error:
        ui.notify(refusal(say, error), type="negative", multi_line=True)
    else:
        ui.notify(say("desktop.saved"), type="positive")
    finally:
        button.props(remove="loading")
