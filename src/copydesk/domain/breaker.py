"""The breaker: what a person stops at once, for an account, a bot, a venue or everybody."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from copydesk.domain.ids import AccountId, BotId, UserId
from copydesk.domain.venue import VenueName


class BreakerScope(StrEnum):
    """Whom it stops."""

    ACCOUNT = "account"
    BOT = "bot"
    VENUE = "venue"
    ALL = "all"


class BreakerMode(StrEnum):
    """Nothing new is opened; and what has not filled is cancelled; and what is held is closed. Or all is free again."""

    STOP_OPENS = "stop_opens"
    CANCEL_WORKING = "cancel_working"
    FLATTEN = "flatten"
    RELEASE = "release"


class Reach(Struct, frozen=True, kw_only=True):
    """One account, bot or venue by its `target`; everybody's with an empty one."""

    scope: BreakerScope
    target: str = ""

    def covers(self, *, account_id: AccountId, bot_id: BotId, venue: VenueName) -> bool:
        found = {BreakerScope.ACCOUNT: account_id, BreakerScope.BOT: bot_id, BreakerScope.VENUE: venue}
        return self.scope is BreakerScope.ALL or found[self.scope] == self.target


class Breaker(Struct, frozen=True, kw_only=True):
    """One that is pulled; it stays so until it is released."""

    reach: Reach
    mode: BreakerMode
    set_by: UserId
    set_at: datetime
