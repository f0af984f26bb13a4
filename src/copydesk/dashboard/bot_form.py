"""What a person tells of a new bot; and a secret, shown once."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from copydesk.dashboard.message import message
from copydesk.dashboard.parts import copyable, heading, line
from copydesk.dashboard.speech import Speech

MARKETS = ("futures", "spot", "mt5")
SOURCES = ("tradingview", "rest", "master")


async def ask_for_bot(say: Speech) -> Mapping[str, Any] | None:
    """What NewBot takes; None where the person changed their mind. The hub judges the values."""
    with ui.dialog() as dialog, ui.card().classes("ask"):
        heading(say("bots.new"))
        name = ui.input(say("bots.name"), value="").props("outlined dense autofocus")
        market = ui.select(
            {one: say.word("markets", one) for one in MARKETS}, value=MARKETS[0], label=say("bots.market")
        )
        source = ui.select(
            {one: say.word("sources", one) for one in SOURCES}, value=SOURCES[0], label=say("bots.source")
        )
        with ui.element("div").classes("two"):
            leverage = ui.number(say("bots.leverage"), value=1, min=1, max=125, step=1, suffix="×")
            margin = ui.number(say("bots.margin"), value=50, min=0, suffix="USD")
            stop = ui.number(say("bots.stop_loss"), value=0, min=0, max=99, suffix="%")
            profit = ui.number(say("bots.take_profit"), value=0, min=0, max=1000, suffix="%")
        for field in (market, source, leverage, margin, stop, profit):
            field.props("outlined dense")
        ui.label(say("bots.defaults_note")).classes("small muted")
        with line("end"):
            ui.button(say("frame.cancel"), on_click=lambda: dialog.submit(None)).props("flat no-caps")
            ui.button(say("bots.make"), on_click=lambda: dialog.submit(True)).props("no-caps unelevated")
    wanted = await dialog
    dialog.delete()
    if not wanted:
        return None
    return {
        "name": name.value.strip(),
        "market_type": market.value,
        "source": source.value,
        "default_leverage": int(leverage.value or 1),
        "default_margin_usd": str(margin.value or 0),
        "default_stop_loss_pct": str(stop.value or 0),
        "default_take_profit_pct": str(profit.value or 0),
    }


async def show_secret(say: Speech, secret: str, *, webhook_url: str | None) -> None:
    """Until the person closes it; nowhere is it kept."""
    with ui.dialog().props("persistent") as dialog, ui.card().classes("ask broad"):
        heading(say("bots.secret_once"))
        ui.label(say("bots.secret_note")).classes("muted")
        copyable(say, say("bots.secret"), secret)
        if webhook_url is not None:
            copyable(say, say("bots.webhook"), webhook_url)
            copyable(say, say("bots.message"), message(secret))
        with line("end"):
            ui.button(say("bots.secret_kept"), on_click=lambda: dialog.submit(True)).props("no-caps unelevated")
    await dialog
    dialog.delete()
