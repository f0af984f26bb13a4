"""Start, pause and stop of a bot that copydesk runs: what the hub answers is shown, nothing before."""

from nicegui import ui

from copydesk.client.strategies import RunBot, StatusAnswer
from copydesk.dashboard.ladder import ask_with_ruin
from copydesk.dashboard.page import Tab
from copydesk.dashboard.parts import confirm, line
from copydesk.ports.live import BotCommand, RunStatus

_ICONS = {BotCommand.START: "play_arrow", BotCommand.PAUSE: "pause", BotCommand.STOP: "stop"}
_OFFERED = {
    RunStatus.RUNNING: (BotCommand.PAUSE, BotCommand.STOP),
    RunStatus.PAUSED: (BotCommand.START, BotCommand.STOP),
    RunStatus.STOPPING: (BotCommand.START,),
    RunStatus.STOPPED: (BotCommand.START, BotCommand.PAUSE),
}


def show_controls(tab: Tab, bot: StatusAnswer) -> None:
    with line("end"):
        for command in _OFFERED[RunStatus(bot.status)]:
            _button(tab, bot, command)


async def _ruin_is_known(tab: Tab, bot: StatusAnswer) -> bool:
    """A ladder starts once somebody has seen what it costs."""
    found = await tab.act(lambda api: api.ruin_card(bot.bot_id))
    return found is not None and await ask_with_ruin(tab, found)


def _button(tab: Tab, bot: StatusAnswer, command: BotCommand) -> None:
    say = tab.say
    name = say.word("run_commands", command)

    async def act() -> None:
        if command is BotCommand.START and "max_level" in bot.settings and not await _ruin_is_known(tab, bot):
            return
        if command is BotCommand.STOP and not await confirm(say, say("strategies.stop_question"), name):
            return
        done = await tab.act(lambda api: api.run_bot(bot.bot_id, RunBot(command=command.value)))
        if done is not None:
            status = say.word("run_statuses", done.status)
            ui.notify(say("strategies.is_now", name=bot.name, status=status), type="positive")

    look = "no-caps unelevated" if command is BotCommand.START else "no-caps outline"
    ui.button(name, icon=_ICONS[command], on_click=tab.on(act)).props(look)
