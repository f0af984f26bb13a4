"""The desk at a glance, for whoever asks: parts, the day's figures, alerts, positions."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from copydesk.client.desk import Page
from copydesk.client.overview import (
    AlertAnswer,
    BucketAnswer,
    DeskAnswer,
    GlanceAnswer,
    LatencyAnswer,
    PositionAnswer,
    TodayAnswer,
)
from copydesk.domain.errors import FieldError, InvalidInput, VenueError
from copydesk.domain.execution import Outcome
from copydesk.domain.following import split_place
from copydesk.domain.signal import Direction
from copydesk.domain.user import Role, User
from copydesk.stores.overview import Day, Held
from copydesk.web.alerts import find_alerts
from copydesk.web.breaker import see_breakers
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import IdFilter, Limit, TextFilter, Total, given
from copydesk.web.standing import see_parts

router = APIRouter(prefix="/api/v1", tags=["overview"])

BUCKETS_MS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
SINCE_MAX = timedelta(days=7)
PRICES_MAX = 50
"""Symbols whose prices are asked for; positions on others come without."""

PRICES_TIMEOUT_S = 1.5

Since = Annotated[datetime | None, Query(description="absent: 00:00 UTC; a week ago at most")]
PositionCursor = Annotated[
    str | None,
    Query(pattern=r"^[0-9a-hjkmnp-tv-z]{26}/[^\x00]{1,120}$", description="the `next` of the page before"),
]


@router.get("/desk", response_description="Every part with its light")
async def get_desk(me: Me, hub: TheHub) -> DeskAnswer:
    """What the desk is made of, as it is now and since when: its executors, venues, masters and copiers."""
    now = hub.clock.now()
    return DeskAnswer(at=now, parts=list(await see_parts(hub, me, now)))


@router.get("/desk/today", response_description="The figures")
async def get_today(me: Me, hub: TheHub, since: Since = None) -> TodayAnswer:
    """Signals, how they fared and how fast, results, what is open. A follower's own, a provider's of their bots, an admin's all."""
    now = hub.clock.now()
    began = now.replace(hour=0, minute=0, second=0, microsecond=0) if since is None else since
    if began.tzinfo is None or not now - SINCE_MAX <= began <= now:
        problem = "a moment of the last seven days, with its time zone"
        raise InvalidInput(f"since: {problem}", (FieldError("since", problem),))
    return _today(await hub.store.read(lambda tables: tables.overview.day(me, began)), began)


@router.get("/desk/alerts", response_description="Red ones first")
async def list_alerts(me: Me, hub: TheHub) -> Page[AlertAnswer]:
    """What wants a person's eye now. Nothing here is a log: what is in order again is gone."""
    now = hub.clock.now()
    return Page(items=await find_alerts(hub, me, now, await see_parts(hub, me, now)), next=None)


@router.get("/desk/glance", response_description="All four")
async def get_glance(me: Me, hub: TheHub, since: Since = None) -> GlanceAnswer:
    """The desk's parts, the day's figures, alerts and breakers in one answer, for a page that asks every other second."""
    today, now = await get_today(me, hub, since), hub.clock.now()
    parts = await see_parts(hub, me, now)
    return GlanceAnswer(
        parts=list(parts),
        today=today,
        alerts=await find_alerts(hub, me, now, parts),
        breakers=await see_breakers(hub, me),
    )


@router.get("/positions", response_description="Positions, by subscription and symbol")
async def list_positions(
    me: Me,
    hub: TheHub,
    limit: Limit = 50,
    cursor: PositionCursor = None,
    total: Total = False,
    account_id: IdFilter = None,
    bot_id: IdFilter = None,
    symbol: TextFilter = None,
    prices: Annotated[bool, Query(description="ask the venues for last prices, and tell the results so far")] = False,
) -> Page[PositionAnswer]:
    """What followers hold by our fills. A follower's own, a provider's of their bots (account names hidden), an admin's all."""
    filters = given(account_id=account_id, bot_id=bot_id, symbol=symbol)
    found, following = await hub.store.read(
        lambda tables: tables.overview.positions(me, filters, limit=limit, cursor=cursor)
    )
    told = await _prices(hub, found) if prices else {}
    count = await hub.store.read(lambda tables: tables.overview.held(me, filters)) if total else None
    return Page(items=[_position(one, me, told.get(_market(one))) for one in found], next=following, total=count)


def _today(day: Day, since: datetime) -> TodayAnswer:
    return TodayAnswer(
        since=since,
        signals=sum(day.signals.values()),
        signals_by_source={source.value: number for source, number in sorted(day.signals.items())},
        **{outcome.value: day.outcomes.get(outcome, 0) for outcome in Outcome},
        latency=_latency(day.answered),
        trades=len(day.nets),
        won=sum(net > 0 for net in day.nets),
        net_usd=sum(day.nets, Decimal(0)),
        fees_usd=day.fees_usd,
        open_positions=day.open_positions,
        working_orders=day.working_orders,
    )


def _latency(answered: Mapping[int, int]) -> LatencyAnswer | None:
    """`answered`: how many orders took each number of milliseconds."""
    if not answered:
        return None
    times = sorted(answered)
    buckets, lower = [], -1
    for upper in (*BUCKETS_MS, None):
        fits = [one for one in times if one > lower and (upper is None or one <= upper)]
        buckets.append(BucketAnswer(up_to_ms=upper, count=sum(answered[one] for one in fits)))
        lower = lower if upper is None else upper
    return LatencyAnswer(
        fastest_ms=times[0],
        median_ms=_share(answered, times, 0.5),
        p95_ms=_share(answered, times, 0.95),
        slowest_ms=times[-1],
        buckets=buckets,
    )


def _share(answered: Mapping[int, int], times: Sequence[int], share: float) -> int:
    """The time within which this share of the orders was answered."""
    wanted, seen = share * sum(answered.values()), 0
    for one in times:
        seen += answered[one]
        if seen >= wanted:
            return one
    return times[-1]


def _market(one: Held) -> tuple[str, str, str]:
    return one.venue, one.environment, split_place(one.symbol)[0]


async def _prices(hub: Hub, found: Sequence[Held]) -> Mapping[tuple[str, str, str], Decimal]:
    """Each symbol is asked for once; a venue that does not tell in time leaves its positions without."""
    prices: dict[tuple[str, str, str], Decimal] = {}

    async def ask(one: Held) -> None:
        try:
            async with asyncio.timeout(PRICES_TIMEOUT_S):
                quote = await hub.venues[one.venue].quote(one.environment, _market(one)[2])
        except (VenueError, TimeoutError):
            return
        if quote is not None:
            prices[_market(one)] = quote.last_price

    async with asyncio.TaskGroup() as tasks:
        for one in list({_market(one): one for one in found}.values())[:PRICES_MAX]:
            if not hub.venues[one.venue].traits.is_terminal:
                tasks.create_task(ask(one))
    return prices


def _position(one: Held, me: User, price: Decimal | None) -> PositionAnswer:
    symbol, ticket = split_place(one.symbol)
    position = one.position
    sign = 1 if position.direction is Direction.LONG else -1
    return PositionAnswer(
        subscription_id=one.subscription_id,
        account_id=one.account_id,
        account_name=one.account_name if me.role is Role.ADMIN or one.owner_id == me.id else None,
        venue=one.venue,
        bot_id=one.bot_id,
        symbol=symbol,
        master_ticket=ticket,
        direction=position.direction.value,
        quantity=position.quantity,
        entry_price=position.entry_price,
        gross_usd=position.gross_usd,
        fees_usd=position.fees_usd,
        opened_at=position.opened_at,
        last_price=price,
        unrealised_usd=None if price is None else sign * (price - position.entry_price) * position.quantity,
    )
