"""Users: an admin makes and changes them; everybody sees their own."""

from typing import Annotated

from fastapi import APIRouter, Query

from copydesk.client.desk import Page
from copydesk.client.fields import Mt5Login
from copydesk.client.people import NewUser, Profile, UserAnswer, UserChange, UserConfig, UserConfigChange
from copydesk.domain.errors import Conflict, NotFound
from copydesk.domain.frames import Closing
from copydesk.domain.ids import UserId
from copydesk.domain.user import Role, User, UserStatus, new_user
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import PageOf, TextFilter, given
from copydesk.web.refusals import refuses

router = APIRouter(tags=["users"])

_NAME_IS_TAKEN = refuses(409, "the username is taken")


@router.get("/users/me", response_description="Who is signed in")
async def get_profile(me: Me) -> Profile:
    """One's own profile."""
    return Profile.model_validate(me)


@router.get("/users/me/config", response_description="The configuration, defaults included")
async def get_config(me: Me, hub: TheHub) -> UserConfig:
    """How one's MT5 copiers trade: held by the server, it wins over local files."""
    stored = await hub.store.read(lambda tables: tables.users.config(me.id))
    return UserConfig.model_validate(stored)


@router.post("/users/config", response_description="The configuration as it is now")
async def change_config(me: Me, wanted: UserConfigChange, hub: TheHub) -> UserConfig:
    """What is not told stays as it was; null is no limit."""
    now = hub.clock.now()
    told = wanted.trade_copy.told()

    def work(tables: Tables) -> UserConfig:
        before = UserConfig.model_validate(tables.users.config(me.id))
        after = UserConfig(trade_copy=before.trade_copy.model_copy(update=told))
        tables.users.change(me.id, {"config": after.model_dump(mode="json")}, now)
        details = {"fields": sorted(told)}
        tables.audit.add(actor=me.id, action="user.config", subject=me.id, details=details, at=now)
        return after

    return await hub.store.write(work)


@router.post("/api/v1/users", status_code=201, responses=_NAME_IS_TAKEN, response_description="The user")
async def create_user(wanted: NewUser, me: Me, hub: TheHub) -> UserAnswer:
    """The role decides what a user sees and may do."""
    password_hash = await hub.passwords.hash(wanted.password)
    now = hub.clock.now()
    user = new_user(
        wanted.username,
        wanted.role,
        at=now,
        status=wanted.status,
        allowed_mt5_id=wanted.allowed_mt5_id,
        mt5_path=wanted.mt5_path,
        subscription=wanted.subscription,
    )

    def work(tables: Tables) -> None:
        tables.users.add(user, password_hash)
        details = {"username": user.username, "role": user.role}
        tables.audit.add(actor=me.id, action="user.create", subject=user.id, details=details, at=now)

    await hub.store.write(work)
    return UserAnswer.model_validate(user)


@router.get("/api/v1/users", response_description="Users, newest first")
async def list_users(
    hub: TheHub,
    paging: PageOf,
    username: TextFilter = None,
    role: Annotated[Role | None, Query()] = None,
    status: Annotated[UserStatus | None, Query()] = None,
    allowed_mt5_id: Annotated[Mt5Login | None, Query()] = None,
    subscription: TextFilter = None,
) -> Page[UserAnswer]:
    """Everybody on the desk."""
    filters = given(
        username=None if username is None else username.lower(),
        role=role,
        status=status,
        allowed_mt5_id=allowed_mt5_id,
        subscription=subscription,
    )
    found, following = await hub.store.read(
        lambda tables: tables.users.list(filters, limit=paging.limit, cursor=paging.cursor),
    )
    total = await hub.store.read(lambda tables: tables.users.count(filters)) if paging.total else None
    return Page(items=[UserAnswer.model_validate(one) for one in found], next=following, total=total)


@router.get("/api/v1/users/{user_id}", response_description="The user")
async def get_user(user_id: str, hub: TheHub) -> UserAnswer:
    """One of them."""
    user = await hub.store.read(lambda tables: tables.users.get(UserId(user_id)))
    if user is None:
        raise NotFound("no such user")
    return UserAnswer.model_validate(user)


@router.patch("/api/v1/users/{user_id}", responses=_NAME_IS_TAKEN, response_description="The user as it is now")
async def change_user(user_id: str, wanted: UserChange, me: Me, hub: TheHub) -> UserAnswer:
    """A new password or a disabled user ends the user's sessions."""
    changes = wanted.told()
    if "password" in changes:
        changes["password_hash"] = await hub.passwords.hash(changes.pop("password"))
    if "username" in changes:
        changes["username"] = changes["username"].lower()
    now = hub.clock.now()

    def work(tables: Tables) -> User:
        if tables.users.get(UserId(user_id)) is None:
            raise NotFound("no such user")
        user = tables.users.change(UserId(user_id), changes, now)
        if user is None:
            raise NotFound("no such user")
        if "password_hash" in changes or user.status is not UserStatus.ACTIVE:
            tables.users.end_sessions(user.id)
        if not tables.users.has_admin():
            raise Conflict("this is the last admin: make another one first")
        tables.audit.add(
            actor=me.id, action="user.change", subject=user.id, details={"fields": sorted(changes)}, at=now
        )
        return user

    changed = await hub.store.write(work)
    _end_agents(hub, changed)
    return UserAnswer.model_validate(changed)


def _end_agents(hub: Hub, user: User) -> None:
    """Of a user who may not sign in any more."""
    if user.status is not UserStatus.ACTIVE:
        hub.agents.end_all(Closing.EXPIRED, user.id)
