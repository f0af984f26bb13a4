"""How the desk's parts are, for whoever asks: executors, venues, masters and copiers, each with its light."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import structlog

from copydesk.client.overview import Condition, Light, PartAnswer, PartKind
from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.terminal import SILENT_AFTER
from copydesk.domain.user import Role, User, new_user
from copydesk.stores.leases import Duty
from copydesk.stores.overview import Place
from copydesk.stores.store import Tables
from copydesk.stores.terminals import Owned
from copydesk.web.hub import Hub

log = structlog.get_logger()

LOOK_EVERY_S = 2.0

LIGHTS = {
    Condition.WELL: Light.GREEN,
    Condition.LEASE_EXPIRED: Light.RED,
    Condition.NOT_ASKED_YET: Light.AMBER,
    Condition.CLOCK_UNKNOWN: Light.RED,
    Condition.STREAM_AWAY: Light.AMBER,
    Condition.TRADING_OFF: Light.AMBER,
    Condition.TERMINAL_AWAY: Light.RED,
    Condition.SILENT: Light.RED,
}


async def see_parts(hub: Hub, viewer: User, now: datetime) -> Sequence[PartAnswer]:
    """Those that the viewer may see."""

    def work(tables: Tables) -> tuple[Sequence[Duty], Sequence[Place], Sequence[Owned]]:
        return tables.leases.duties(), tables.overview.places(viewer), tables.terminals.seen_by(viewer)

    duties, places, terminals = await hub.store.read(work)
    parts = [*_executors(viewer, duties, now), *_venues(hub, places, now), *_terminals(terminals, now)]
    return [hub.lights.note(one) for one in parts]


async def keep_looking(hub: Hub) -> None:
    """So that `since` is right whoever looks, and when."""
    everybody = new_user("the hub", Role.ADMIN, at=hub.clock.now())
    while True:
        try:
            await see_parts(hub, everybody, hub.clock.now())
        except StoreUnavailable:
            log.info("the parts of the desk were not looked at: the database is away")
        await hub.clock.sleep(LOOK_EVERY_S)


def _part(kind: PartKind, id: str, condition: Condition, since: datetime, **more: object) -> PartAnswer:
    told = {"id": f"{kind}:{id}", "kind": kind, "condition": condition, "light": LIGHTS[condition], "since": since}
    return PartAnswer.model_validate(told | more)


def _executors(viewer: User, duties: Sequence[Duty], now: datetime) -> Iterator[PartAnswer]:
    """Which machine and process it is concerns an admin only (wiring/owner.py puts them first in an owner's name)."""
    for one in duties:
        condition = Condition.WELL if one.is_kept else Condition.LEASE_EXPIRED
        name = " · ".join(one.owner.split()[:2]) if viewer.role is Role.ADMIN else one.duty
        since = now if one.is_kept else one.expires_at
        yield _part(PartKind.EXECUTOR, f"{one.duty}/{one.epoch}", condition, since, name=name)


def _venues(hub: Hub, places: Sequence[Place], now: datetime) -> Iterator[PartAnswer]:
    streams = hub.desk.streams()
    for one in places:
        heard = streams.get((one.venue, one.environment))
        known = hub.desk.sessions.is_clock_known(one.venue, one.environment)
        condition = Condition.WELL
        if known is None:
            condition = Condition.NOT_ASKED_YET
        elif not known:
            condition = Condition.CLOCK_UNKNOWN
        elif heard is not None and not heard.is_whole:
            condition = Condition.STREAM_AWAY
        name = f"{one.venue} · {one.environment}"
        yield _part(PartKind.VENUE, name, condition, now, name=name, accounts=one.accounts)


def _terminals(terminals: Sequence[Owned], now: datetime) -> Iterator[PartAnswer]:
    for one in terminals:
        terminal = one.terminal
        condition = Condition.WELL
        if now - terminal.reported_at > SILENT_AFTER:
            condition = Condition.SILENT
        elif not terminal.connected:
            condition = Condition.TERMINAL_AWAY
        elif terminal.figures.get("trade_allowed") is False:
            condition = Condition.TRADING_OFF
        yield _part(
            PartKind(terminal.role.value),
            f"{terminal.user_id}/{terminal.login}",
            condition,
            terminal.reported_at if condition is Condition.SILENT else now,
            name=f"{terminal.login} · {terminal.server}" if terminal.login else "",
            owner=one.username,
            heard_at=terminal.reported_at,
        )
