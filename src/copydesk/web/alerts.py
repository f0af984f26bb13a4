"""What wants a person's eye now, out of what is stored: nothing here has to be cleared by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from copydesk.client.overview import AlertAnswer, AlertKind, Light, PartAnswer, PartKind
from copydesk.domain.breaker import Breaker, BreakerScope
from copydesk.domain.execution import State
from copydesk.domain.following import spoken
from copydesk.domain.user import User
from copydesk.stores.overview import Doubt, SickAccount
from copydesk.stores.store import Tables
from copydesk.web.breaker import sees_breaker
from copydesk.web.hub import Hub

UNPROTECTED_FOR = timedelta(hours=24)

_ORDER = {Light.RED: 0, Light.AMBER: 1, Light.GREEN: 2}
_DOUBTS = {State.REVIEW: (AlertKind.REVIEW, Light.RED), State.UNKNOWN: (AlertKind.UNKNOWN, Light.AMBER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    doubts: Sequence[Doubt]
    unprotected: Sequence[Doubt]
    accounts: Sequence[SickAccount]
    breakers: Sequence[Breaker]


async def find_alerts(hub: Hub, viewer: User, now: datetime, parts: Sequence[PartAnswer]) -> list[AlertAnswer]:
    """Red ones first, then the newest. `parts` are what the viewer sees of the desk now."""

    def work(tables: Tables) -> _Found:
        return _Found(
            doubts=tables.overview.doubts(viewer),
            unprotected=tables.overview.unprotected(viewer, now - UNPROTECTED_FOR),
            accounts=tables.overview.sick_accounts(viewer),
            breakers=[one for one in tables.breakers.pulled() if sees_breaker(tables, one, viewer)],
        )

    found = await hub.store.read(work)
    alerts = [*_of_orders(found), *_of_accounts(found), *_of_breakers(found)]
    alerts += [
        AlertAnswer(id=one.id, kind=AlertKind.PART, light=one.light, at=one.since, detail=one.condition, name=one.name)
        for one in parts
        if one.light is Light.RED or (one.light is Light.AMBER and one.kind is not PartKind.VENUE)
    ]
    return sorted(sorted(alerts, key=lambda one: one.at, reverse=True), key=lambda one: _ORDER[one.light])


def _of_orders(found: _Found) -> Iterator[AlertAnswer]:
    kinds = [(one, *_DOUBTS[one.state]) for one in found.doubts]
    kinds += [(one, AlertKind.UNPROTECTED, Light.RED) for one in found.unprotected]
    for one, kind, light in kinds:
        yield AlertAnswer(
            id=one.id,
            kind=kind,
            light=light,
            at=one.updated_at,
            detail=one.reason,
            symbol=spoken(one.symbol),
            signal_id=one.signal_id,
            account_id=one.account_id,
        )


def _of_accounts(found: _Found) -> Iterator[AlertAnswer]:
    for one in found.accounts:
        refused = one.key_problem is not None
        yield AlertAnswer(
            id=f"account:{one.id}",
            kind=AlertKind.KEY_REFUSED if refused else AlertKind.LEDGER_DIFFERS,
            light=Light.RED,
            at=one.at,
            detail=one.key_problem,
            name=one.name,
            account_id=one.id,
            number=one.differences or None,
        )


def _of_breakers(found: _Found) -> Iterator[AlertAnswer]:
    for one in found.breakers:
        target = one.reach.target
        yield AlertAnswer(
            id=f"breaker:{one.reach.scope}:{target}",
            kind=AlertKind.BREAKER,
            light=Light.AMBER,
            at=one.set_at,
            detail=one.mode,
            name=target or None,
            account_id=target if one.reach.scope is BreakerScope.ACCOUNT else None,
        )
