"""People: a user's role decides what is seen and done."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from copydesk.domain.ids import UserId, new_id

PLAN = "free"
"""The plan of everybody who was not given another one."""


class Role(StrEnum):
    """`admin` runs the desk, `provider` gives signals, `follower` copies them."""

    ADMIN = "admin"
    PROVIDER = "provider"
    FOLLOWER = "follower"


class UserStatus(StrEnum):
    """A disabled user cannot sign in; what runs for them goes on until it is paused."""

    ACTIVE = "active"
    DISABLED = "disabled"


class User(Struct, frozen=True, kw_only=True):
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


def new_user(
    username: str,
    role: Role,
    *,
    at: datetime,
    status: UserStatus = UserStatus.ACTIVE,
    allowed_mt5_id: int | None = None,
    mt5_path: str | None = None,
    subscription: str = PLAN,
) -> User:
    """Somebody new, made `at`. Names are kept in lower case, so that Ada and ada are one."""
    return User(
        id=UserId(new_id(at)),
        username=username.lower(),
        role=role,
        status=status,
        allowed_mt5_id=allowed_mt5_id,
        mt5_path=mt5_path,
        subscription=subscription,
        created_at=at,
        updated_at=at,
    )
