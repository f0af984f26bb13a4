"""Users: an admin makes and changes them; everybody sees their own."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from copydesk.client.models import NewUser, Profile, UserAnswer, UserChange, UserConfig
from copydesk.domain.errors import Conflict, NotFound
from copydesk.domain.ids import UserId
from copydesk.domain.user import Role, User, UserStatus, new_user
from copydesk.stores.store import Tables
from copydesk.web.hub import Me, TheHub
from copydesk.web.listing import Page, PageOf, given

router = APIRouter(tags=["users"])


@router.get("/users/me")
async def profile(me: Me) -> Profile:
    return Profile.model_validate(me)


@router.get("/users/me/config")
async def config(me: Me, hub: TheHub) -> UserConfig:
    stored = await hub.store.read(lambda tables: tables.users.config(me.id))
    return UserConfig.model_validate(stored)


@router.post("/users/config")
async def set_config(me: Me, wanted: UserConfig, hub: TheHub) -> UserConfig:
    stored = wanted.model_dump(mode="json")
    await hub.store.write(lambda tables: tables.users.change(me.id, {"config": stored}, hub.clock.now()))
    return wanted


@router.post("/api/v1/users", status_code=201)
async def create_user(wanted: NewUser, me: Me, hub: TheHub) -> UserAnswer:
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


@router.get("/api/v1/users")
async def list_users(
    hub: TheHub,
    paging: PageOf,
    username: Annotated[str | None, Query(max_length=64)] = None,
    role: Annotated[Role | None, Query()] = None,
    status: Annotated[UserStatus | None, Query()] = None,
) -> Page[UserAnswer]:
    filters = given(username=username.lower() if username else None, role=role, status=status)
    found, following = await hub.store.read(
        lambda tables: tables.users.list(filters, limit=paging.limit, cursor=paging.cursor),
    )
    total = await hub.store.read(lambda tables: tables.users.count(filters)) if paging.total else None
    return Page(items=[UserAnswer.model_validate(one) for one in found], next=following, total=total)


@router.get("/api/v1/users/{user_id}")
async def get_user(user_id: str, hub: TheHub) -> UserAnswer:
    user = await hub.store.read(lambda tables: tables.users.get(UserId(user_id)))
    if user is None:
        raise NotFound("no such user")
    return UserAnswer.model_validate(user)


@router.patch("/api/v1/users/{user_id}")
async def change_user(user_id: str, wanted: UserChange, me: Me, hub: TheHub) -> UserAnswer:
    """A new password or a disabled user ends the user's sessions."""
    changes: dict[str, Any] = wanted.model_dump(exclude_unset=True, exclude={"password"})
    nullable = {"allowed_mt5_id", "mt5_path"}
    changes = {name: value for name, value in changes.items() if value is not None or name in nullable}
    if wanted.password is not None:
        changes["password_hash"] = await hub.passwords.hash(wanted.password)
    now = hub.clock.now()

    def work(tables: Tables) -> User:
        if tables.users.get(UserId(user_id)) is None:
            raise NotFound("no such user")
        user = tables.users.change(UserId(user_id), changes, now)
        if user is None:
            raise NotFound("no such user")
        if wanted.password is not None or user.status is not UserStatus.ACTIVE:
            tables.users.end_sessions(user.id)
        if not tables.users.has_admin():
            raise Conflict("this is the last admin: make another one first")
        tables.audit.add(
            actor=me.id, action="user.change", subject=user.id, details={"fields": sorted(changes)}, at=now
        )
        return user

    return UserAnswer.model_validate(await hub.store.write(work))
