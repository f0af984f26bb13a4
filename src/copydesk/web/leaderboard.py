"""What bots brought those who follow them, and signals that try the way out on paper."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from copydesk.client.leaderboard import (
    BotResult,
    BotResultAnswer,
    CurvePoint,
    FollowerResult,
    LeaderboardAnswer,
    TrialSignal,
)
from copydesk.client.models import BroadcastStats, WebhookAnswer
from copydesk.domain.bot import Bot, BotStatus
from copydesk.domain.errors import NotFound
from copydesk.domain.ids import BotId, new_id
from copydesk.domain.signal import Action, Instruction, SourceKind
from copydesk.domain.user import Role, User
from copydesk.stores.leaderboard import Booked, Following
from copydesk.stores.store import Tables
from copydesk.web.bots import own_bot, owns_bot
from copydesk.web.hub import Me, TheHub
from copydesk.web.listing import LIMIT_MAX
from copydesk.web.refusals import refuses
from copydesk.web.webhook import WAIT_MAX_S, refuse_unknown_symbols, wait_for_results

router = APIRouter(prefix="/api/v1/bots", tags=["bots"])

SHORT_CURVE, LONG_CURVE = 40, 400
"""Points at most: on a card, and on a bot's own page."""

TRIAL_KEY_TTL_S = 60

Days = Annotated[int, Query(ge=1, le=366, description="how far back, days")]


@router.get("/results", response_description="Bots with what they brought, the best first")
async def list_results(me: Me, hub: TheHub, days: Days = 30) -> LeaderboardAnswer:
    """Realised results, fees counted. Of one's own bots (an admin: of all) everybody's, of others' active ones only one's own."""
    since = hub.clock.now() - timedelta(days=days)

    def work(tables: Tables) -> list[BotResult]:
        seen_by = None if me.role is Role.ADMIN else me.id
        bots, _ = tables.bots.list({}, seen_by=seen_by, limit=LIMIT_MAX, cursor=None)
        followers = tables.leaderboard.followers(me)
        booked: dict[BotId, list[Booked]] = {}
        for one in tables.leaderboard.trades(me, since):
            booked.setdefault(one.bot_id, []).append(one)
        return [
            BotResult(**_result(bot, me, booked.get(bot.id, []), followers.get(bot.id, 0), SHORT_CURVE))
            for bot in bots
            if bot.status is not BotStatus.ARCHIVED or bot.id in booked
        ]

    found = await hub.store.read(work)
    return LeaderboardAnswer(since=since, items=sorted(found, key=lambda one: one.net_usd, reverse=True))


@router.get("/{bot_id}/results", response_description="The bot's result, and each follower's")
async def get_results(bot_id: str, me: Me, hub: TheHub, days: Days = 30) -> BotResultAnswer:
    """As the leaderboard, with the curve in full and a line for each follower: nameless but for oneself, and for an admin."""
    since = hub.clock.now() - timedelta(days=days)

    def work(tables: Tables) -> BotResultAnswer:
        bot = tables.bots.get(BotId(bot_id))
        if bot is None or not (owns_bot(me, bot) or bot.status is BotStatus.ACTIVE):
            raise NotFound("no such bot")
        trades = tables.leaderboard.trades(me, since, bot.id)
        following = tables.leaderboard.following(me, bot.id)
        here = sum(not one.left for one in following)
        shares = [
            _share(one, me, [each for each in trades if each.subscription_id == one.subscription_id])
            for one in following
        ]
        return BotResultAnswer(
            **_result(bot, me, trades, here, LONG_CURVE),
            since=since,
            results=sorted(
                (one for one in shares if one.trades or one.status != "left"), key=lambda one: one.net_usd, reverse=True
            ),
        )

    return await hub.store.read(work)


@router.post(
    "/{bot_id}/test-signal",
    responses=refuses(409, "the bot is paused: it takes no signals"),
    response_description="Stored, and on its way to the paper accounts",
)
async def send_test_signal(
    bot_id: str,
    wanted: TrialSignal,
    me: Me,
    hub: TheHub,
    wait: Annotated[float, Query(ge=0, le=WAIT_MAX_S, description="seconds to wait for results")] = 0,
) -> WebhookAnswer:
    """The whole way of a signal, for paper accounts only: every other follower's is skipped, with that reason."""
    received_at = hub.clock.now()
    bot = await hub.store.read(lambda tables: own_bot(tables, bot_id, me))
    instruction = Instruction(
        ticker=wanted.symbol,
        symbol=wanted.symbol,
        action=Action(wanted.action),
        key=f"test:{new_id(received_at)}",
        key_ttl_s=TRIAL_KEY_TTL_S,
        payload={"test": True, **wanted.model_dump(mode="json"), "by": me.username},
    )
    await refuse_unknown_symbols(hub, bot, [instruction], received_at)
    accepted = await hub.desk.intake.accept(bot.id, instruction, source=SourceKind.TEST, received_at=received_at)
    details = {"signal_id": accepted.signal_id, "symbol": wanted.symbol, "action": wanted.action}
    await hub.store.write(
        lambda tables: tables.audit.add(
            actor=me.id, action="bot.test_signal", subject=bot.id, details=details, at=received_at
        )
    )
    stats = BroadcastStats(total_subscribers=accepted.subscribers)
    if wait > 0:
        stats = await wait_for_results(hub, [accepted], received_at, wait)
    return WebhookAnswer(
        bot_name=bot.name,
        signal_id=accepted.signal_id,
        signal_ids=[accepted.signal_id],
        broadcast_stats=stats,
        timestamp=hub.clock.now(),
    )


def _result(bot: Bot, me: User, trades: Sequence[Booked], followers: int, most: int) -> dict[str, Any]:
    return {
        "bot_id": bot.id,
        "name": bot.name,
        "status": bot.status,
        "whose": _whose(bot, me),
        "followers": followers,
        **_sums(trades),
        "curve": _curve(trades, most),
    }


def _whose(bot: Bot, me: User) -> Literal["everybody", "own"]:
    return "everybody" if owns_bot(me, bot) else "own"


def _sums(trades: Iterable[Booked]) -> dict[str, Any]:
    booked = list(trades)
    return {
        "trades": len(booked),
        "won": sum(one.net_usd > 0 for one in booked),
        "net_usd": sum((one.net_usd for one in booked), Decimal(0)),
        "fees_usd": sum((one.fees_usd for one in booked), Decimal(0)),
    }


def _share(one: Following, me: User, trades: Sequence[Booked]) -> FollowerResult:
    return FollowerResult(
        subscription_id=one.subscription_id,
        name=one.username if me.role is Role.ADMIN or one.owner_id == me.id else None,
        status="left" if one.left else one.status,
        open_positions=one.open_positions,
        **_sums(trades),
    )


def _curve(trades: Sequence[Booked], most: int) -> list[CurvePoint]:
    """The first and the last are always there."""
    points: list[tuple[datetime, Decimal]] = []
    total = Decimal(0)
    for one in trades:
        total += one.net_usd
        points.append((one.closed_at, total))
    if len(points) > most:
        places = {round(number * (len(points) - 1) / (most - 1)) for number in range(most)}
        points = [points[place] for place in sorted(places)]
    return [CurvePoint(at=at, net_usd=net) for at, net in points]
