"""People: a user's role decides what is seen and done."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from copydesk.domain.ids import UserId


class Role(StrEnum):
    """`admin` runs the desk, `provider` gives signals, `follower` copies them."""

    ADMIN = "admin"
    PROVIDER = "provider"
    FOLLOWER = "follower"


class UserStatus(StrEnum):
    """A disabled user cannot sign in; what runs for them goes on until it is paused."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who signs in; `subscription` is the name of the plan they are on."""

    id: UserId
    username: str
    role: Role
    status: UserStatus
    allowed_mt5_id: int | None
    mt5_path: str | None
    subscription: str
    created_at: datetime
    updated_at: datetime
