"""The Master Sender's program: builds it, runs it until it is told to stop, and says with which code it ended."""

import random
from collections.abc import Callable

from copydesk.ports.beside import Known
from copydesk.ports.clock import SystemClock
from copydesk.settings import MasterSettings, Settings
from copydesk.terminal.config import MasterConfig, Options, combine
from copydesk.terminal.console import Show, Tell, show_nobody
from copydesk.terminal.gateway import Gateway
from copydesk.terminal.hub import Access, Hub
from copydesk.terminal.master import Master
from copydesk.wiring.beside_terminal import known_access, terminal_folder, until_stopped
from copydesk.wiring.beside_window import Voice
from copydesk.wiring.logs import set_up_log_file


def master_config(settings: Settings, flags: Options, file: Options) -> MasterConfig:
    """Flags before the environment before the file. Raise InvalidInput."""
    return combine(flags, _options(settings.master), file, default_url=settings.api_url())


def known_master(settings: Settings, flags: Options, file: Options) -> Known:
    """For the window: whatever was told, nothing of which must have been."""
    return known_access(flags, _options(settings.master), file, default_url=settings.api_url())


async def run_master(
    config: MasterConfig, settings: Settings, *, tell: Tell, verbose: bool = False, voice: Voice | None = None
) -> None:
    """Until SIGTERM or Ctrl-C. Raise one of CopydeskError's kinds."""

    def name_log(name: str) -> None:
        log = settings.data_dir / "logs" / name
        set_up_log_file(log, verbose=verbose)
        if voice is not None:
            voice.log_file(log)

    name_log("master.log")
    show = show_nobody if voice is None else voice.show
    await until_stopped(_run(config, settings, tell, lambda login: name_log(f"master-{login}.log"), show))
    tell("stopped; what was seen and not sent yet is in the journal")


async def _run(
    config: MasterConfig, settings: Settings, tell: Tell, on_login: Callable[[int], None], show: Show
) -> None:
    clock = SystemClock()
    access = Access(
        url=config.url,
        username=config.username,
        password=config.password or "",
        signing_secret=config.signing_secret,
        bot_id=config.bot_id,
        signs_v0=config.signs_v0,
    )
    async with Hub(access, clock) as hub, Gateway() as gateway:
        master = Master(
            config,
            hub,
            gateway,
            folder=terminal_folder(settings),
            clock=clock,
            chance=random.Random(),  # noqa: S311  how long to wait is no secret
            tell=tell,
            on_login=on_login,
            show=show,
        )
        await master.run()


def _options(told: MasterSettings) -> Options:
    url = None if told.url is None else str(told.url)
    return Options(**{**{name: getattr(told, name) for name in Options.model_fields}, "url": url})
