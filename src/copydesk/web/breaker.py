"""The breaker: stop openings, cancel what has not filled, close what is held, or let go again."""

from typing import Annotated

from fastapi import APIRouter, Query

from copydesk.client.breaker import BreakerAnswer, BreakerWish, PulledAnswer
from copydesk.client.desk import Page
from copydesk.domain.breaker import Breaker, BreakerScope, Reach
from copydesk.domain.errors import NotFound
from copydesk.domain.ids import AccountId, BotId
from copydesk.domain.user import Role, User
from copydesk.engine.breaker import Pulled, pull
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.refusals import refuses

router = APIRouter(prefix="/api/v1/breaker", tags=["breaker"])


@router.post("", responses=refuses(404, "no such account"), response_description="In force")
async def pull_breaker(wanted: BreakerWish, me: Me, hub: TheHub) -> PulledAnswer:
    """In force when this is answered. A follower reaches their own accounts: one by its `id`, or with `all` each."""
    now = hub.clock.now()

    def work(tables: Tables) -> Pulled:
        done = [
            pull(tables, Breaker(reach=reach, mode=wanted.mode, set_by=me.id, set_at=now))
            for reach in _reaches(tables, wanted, me)
        ]
        details = {"scope": wanted.scope, "mode": wanted.mode}
        tables.audit.add(actor=me.id, action="breaker", subject=wanted.id or "all", details=details, at=now)
        return Pulled(cancelled=sum(one.cancelled for one in done), closing=sum(one.closing for one in done))

    pulled = await hub.store.write(work)
    hub.desk.intake.arrived.set()
    return PulledAnswer(scope=wanted.scope, id=wanted.id, mode=wanted.mode, **_counts(pulled), in_force_since=now)


@router.get("", response_description="What is pulled now")
async def list_breakers(
    me: Me, hub: TheHub, scope: Annotated[BreakerScope | None, Query()] = None
) -> Page[BreakerAnswer]:
    """Those that are pulled now: an admin sees all, everybody else those that reach their own accounts."""
    return Page(items=await see_breakers(hub, me, scope), next=None)


async def see_breakers(hub: Hub, viewer: User, scope: BreakerScope | None = None) -> list[BreakerAnswer]:
    """Those that are pulled now, as this user sees them."""

    def work(tables: Tables) -> list[Breaker]:
        return [
            one
            for one in tables.breakers.pulled()
            if scope in {None, one.reach.scope} and sees_breaker(tables, one, viewer)
        ]

    return [
        BreakerAnswer(scope=one.reach.scope, id=one.reach.target or None, mode=one.mode, in_force_since=one.set_at)
        for one in await hub.store.read(work)
    ]


def _counts(pulled: Pulled) -> dict[str, int]:
    return {"cancelled": pulled.cancelled, "closing": pulled.closing}


def sees_breaker(tables: Tables, breaker: Breaker, me: User) -> bool:
    """Whether it reaches anything of this user's."""
    if me.role is Role.ADMIN or breaker.reach.scope is not BreakerScope.ACCOUNT:
        return True
    return tables.accounts.get(AccountId(breaker.reach.target), me.id) is not None


def _reaches(tables: Tables, wanted: BreakerWish, me: User) -> list[Reach]:
    """What exactly is meant; raise NotFound for what does not exist or is not the caller's."""
    admin = me.role is Role.ADMIN
    if wanted.scope is BreakerScope.ALL and not admin:
        return [Reach(scope=BreakerScope.ACCOUNT, target=one) for one in tables.accounts.ids_of(me.id)]
    if wanted.scope is BreakerScope.ALL:
        return [Reach(scope=BreakerScope.ALL)]
    target = wanted.id or ""
    found = {
        BreakerScope.ACCOUNT: lambda: tables.accounts.get(AccountId(target), None if admin else me.id) is not None,
        BreakerScope.BOT: lambda: admin and tables.bots.get(BotId(target)) is not None,
        BreakerScope.VENUE: lambda: admin and tables.accounts.count({"venue": target}, owner_id=None) > 0,
    }
    if not found[wanted.scope]():
        raise NotFound(f"no such {wanted.scope}")
    return [Reach(scope=wanted.scope, target=target)]
