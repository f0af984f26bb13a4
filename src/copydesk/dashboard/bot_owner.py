"""What a bot's owner does with it: the webhook and its message, a new secret, a test signal, pause and go on."""

from nicegui import ui

from copydesk.client.leaderboard import TrialSignal
from copydesk.client.models import BotAnswer, BotChange, FaredAnswer, RotateSecret
from copydesk.dashboard.bot_form import show_secret
from copydesk.dashboard.message import message
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import card, confirm, copyable, heading, line
from copydesk.dashboard.telling import sentence
from copydesk.domain.bot import BotStatus

TEST_WAIT_S = 2.5
ACTIONS = ("open_long", "open_short", "close")
OVERLAPS_S = (0, 3_600, 86_400)


def show_owner(tab: Tab, bot: BotAnswer) -> None:
    say = tab.say
    with card(say("bots.yours")):
        with line():
            ui.button(say("bots.try"), icon="science", on_click=tab.on(lambda: _try(tab, bot))).props(
                "no-caps unelevated"
            )
            ui.button(say("bots.rotate"), icon="key", on_click=tab.on(lambda: _rotate(tab, bot))).props(
                "no-caps outline"
            )
            _pause_button(tab, bot)
        if bot.webhook_url is not None:
            copyable(say, say("bots.webhook"), bot.webhook_url)
            with ui.element("details"):
                with ui.element("summary"):
                    ui.label(say("bots.message"))
                copyable(say, say("bots.message"), message())
            ui.label(say("bots.secret_lost")).classes("small muted")


def _pause_button(tab: Tab, bot: BotAnswer) -> None:
    say = tab.say
    pauses = bot.status is BotStatus.ACTIVE
    label, icon = (say("bots.pause"), "pause") if pauses else (say("bots.go_on"), "play_arrow")

    async def act() -> None:
        if pauses and not await confirm(say, say("bots.pause_question"), label):
            return
        wanted = BotChange(status=BotStatus.PAUSED if pauses else BotStatus.ACTIVE)
        done = say("bots.paused" if pauses else "bots.goes_on")
        await tab.act(lambda api: api.change_bot(bot.id, wanted), done=done)

    if bot.status is not BotStatus.ARCHIVED:
        ui.button(label, icon=icon, on_click=tab.on(act)).props("no-caps outline")


async def _rotate(tab: Tab, bot: BotAnswer) -> None:
    say = tab.say
    with ui.dialog() as dialog, ui.card().classes("ask"):
        heading(say("bots.rotate"))
        ui.label(say("bots.rotate_note")).classes("muted")
        hours = {one: say("bots.overlap", count=one // 3_600) for one in OVERLAPS_S}
        overlap = ui.select(hours, value=OVERLAPS_S[1], label=say("bots.old_valid")).props("outlined dense")
        with line("end"):
            ui.button(say("frame.cancel"), on_click=lambda: dialog.submit(None)).props("flat no-caps")
            ui.button(say("bots.rotate_now"), on_click=lambda: dialog.submit(True)).props("no-caps unelevated")
    wanted = await dialog
    dialog.delete()
    if wanted:
        made = await tab.act(lambda api: api.rotate_secret(bot.id, RotateSecret(overlap_s=overlap.value)))
        if made is not None:
            secret = made.master_secret or made.signing_secret or ""
            await show_secret(say, secret, webhook_url=bot.webhook_url)


async def _try(tab: Tab, bot: BotAnswer) -> None:
    say = tab.say
    with ui.dialog() as dialog, ui.card().classes("ask"):
        heading(say("bots.try"))
        ui.label(say("bots.try_note")).classes("muted")
        symbol = ui.input(say("signals.symbol"), value="BTCUSDT").props("outlined dense")
        action = ui.select(
            {one: say.word("actions", one) for one in ACTIONS}, value=ACTIONS[0], label=say("signals.action")
        )
        action.props("outlined dense")
        result = ui.element("div")
        with line("end"):
            ui.button(say("frame.close"), on_click=dialog.close).props("flat no-caps")
            send = ui.button(say("bots.try_now")).props("no-caps unelevated")

    async def act() -> None:
        send.props("loading")
        symbol_wanted = symbol.value.strip().upper()
        try:
            wanted = TrialSignal(symbol=symbol_wanted or "?", action=action.value)
            told = await tab.act(lambda api: api.try_bot(bot.id, wanted, wait_s=TEST_WAIT_S))
        finally:
            send.props(remove="loading")
        result.clear()
        if told is not None:
            stats = told.broadcast_stats
            success, skipped, failed = (
                stats.successful_executions or 0,
                stats.skipped or 0,
                stats.failed_executions or 0,
            )
            fared = FaredAnswer(success=success, failed=failed, skipped=skipped, pending=0)
            with result, line():
                ui.label(sentence(say, fared))
                ui.link(say("bots.its_way"), f"/signals/{told.signal_id}")

    send.on_click(act)
    dialog.on_value_change(lambda event: None if event.value else dialog.delete())
    dialog.open()
