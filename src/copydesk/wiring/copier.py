"""The Client Copier's program: builds it, runs it until it is told to stop, and says with which code it ended."""

import random
from collections.abc import Callable

from copydesk.ports.clock import SystemClock
from copydesk.settings import CopierSettings, Settings
from copydesk.terminal.console import Tell
from copydesk.terminal.copier.config import CopierConfig, CopierOptions, combine_copier
from copydesk.terminal.copier.copier import Copier
from copydesk.terminal.gateway import Gateway
from copydesk.terminal.hub import Access, Hub
from copydesk.wiring.beside_terminal import terminal_folder, until_stopped
from copydesk.wiring.logs import set_up_log_file


def copier_config(settings: Settings, flags: CopierOptions, file: CopierOptions) -> CopierConfig:
    """Flags before the environment before the file. Raise InvalidInput."""
    return combine_copier(flags, _options(settings.copier), file, default_url=settings.api_url())


async def run_copier(config: CopierConfig, settings: Settings, *, tell: Tell, verbose: bool = False) -> None:
    """Until SIGTERM or Ctrl-C. Raise one of CopydeskError's kinds."""
    set_up_log_file(settings.data_dir / "logs" / "copier.log", verbose=verbose)

    def name_log(login: int) -> None:
        set_up_log_file(settings.data_dir / "logs" / f"copier-{login}.log", verbose=verbose)

    await until_stopped(_run(config, settings, tell, name_log))
    tell("stopped; what was told and not done yet is in the journal")


async def _run(config: CopierConfig, settings: Settings, tell: Tell, on_login: Callable[[int], None]) -> None:
    clock = SystemClock()
    access = Access(
        url=config.url,
        username=config.username,
        password=config.password or "",
    )
    async with Hub(access, clock) as hub, Gateway() as gateway:
        copier = Copier(
            config,
            hub,
            gateway,
            folder=terminal_folder(settings),
            clock=clock,
            chance=random.Random(),  # noqa: S311  how long to wait is no secret
            tell=tell,
            on_login=on_login,
        )
        await copier.run()


def _options(told: CopierSettings) -> CopierOptions:
    url = None if told.url is None else str(told.url)
    return CopierOptions(**{**{name: getattr(told, name) for name in CopierOptions.model_fields}, "url": url})
