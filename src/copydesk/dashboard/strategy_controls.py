"""Start, pause and stop of a bot that copydesk runs: what the hub answers is shown, nothing before."""

from nicegui import ui

from copydesk.client.strategies import RunBot, StatusAnswer
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


def _button(tab: Tab, bot: StatusAnswer, command: BotCommand) -> None:
    say = tab.say
    name = say.word("run_commands", command)

    async def act() -> None:
        if command is BotCommand.STOP and not await confirm(say, say("strategies.stop_question"), name):
            return
        done = await tab.act(lambda api: api.run_bot(bot.bot_id, RunBot(command=command.value)))
        if done is not None:
            status = say.word("run_statuses", done.status)
            ui.notify(say("strategies.is_now", name=bot.name, status=status), type="positive")

    look = "no-caps unelevated" if command is BotCommand.START else "no-caps outline"
    ui.button(name, icon=_ICONS[command], on_click=tab.on(act)).props(look)
