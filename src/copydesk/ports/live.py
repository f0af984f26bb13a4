"""Strategy bots as people see and steer them while they run: what they tell, what they may be told."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from copydesk.domain.ids import BotId, UserId


class BotCommand(StrEnum):
    """`pause` is paper trading: nothing leaves, an open ladder settles its contract and takes no next level."""

    START = "start"
    PAUSE = "pause"
    STOP = "stop"


class RunStatus(StrEnum):
    """STOPPING: what is open settles first."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    STOPPING = "STOPPING"


class BotEvent(Struct, frozen=True, kw_only=True):
    """One thing a bot tells those who watch it: a name and data of the live API, as JSON (money is a number there)."""

    bot_id: BotId
    owner_id: UserId
    name: str
    data: Mapping[str, Any]


Hear = Callable[[BotEvent], None]


class StrategyBots(Protocol):
    """Every bot of source `strategy`; who listens is called on the event loop, and must not wait."""

    listeners: list[Hear]

    async def command(self, bot_id: BotId, command: BotCommand) -> RunStatus:
        """Stored, then told as `bot_status` and `system_alert`. Raise InvalidInput (and say why not), NotFound."""
        ...

    async def change_settings(self, bot_id: BotId, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """All settings as they are now; told as `settings_updated`. Raise InvalidInput naming the setting, NotFound."""
        ...

    async def balance(self, bot_id: BotId) -> Decimal:
        """USD of a bot's own book. Raise VenueError, NotFound."""
        ...

    async def picture(self, bot_id: BotId) -> Sequence[BotEvent]:
        """The newest of each kind of event, so that who comes later knows where things stand."""
        ...
