"""Bots: providers make and change their own; everybody signed in sees the active ones."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from copydesk.client.desk import HealthAnswer, Page, SickAnswer
from copydesk.client.models import BotAnswer, BotChange, NewBot, NewSecret, RotateSecret
from copydesk.domain.bot import Bot, BotStatus, MarketType, OnOpposite
from copydesk.domain.errors import NotFound, StoreUnavailable
from copydesk.domain.ids import BotId, new_id
from copydesk.domain.signal import SourceKind
from copydesk.domain.strategy_bot import Run
from copydesk.domain.user import Role, User
from copydesk.stores.store import Tables
from copydesk.web import strategy_bots
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import PageOf, TextFilter, given
from copydesk.web.refusals import refuses
from copydesk.web.secrets import new_secret
from copydesk.web.strategy_bots import StrategyBot

router = APIRouter(prefix="/api/v1/bots", tags=["bots"])

_PATH_IS_TAKEN = refuses(409, "the master_webhook_path is taken")
_SECRET_IS_IN_USE = refuses(409, "this secret is valid already: choose another one")
_SICK: dict[int | str, dict[str, Any]] = {
    503: {"model": SickAnswer, "description": "Something the desk cannot do without is missing"}
}

_FIELDS_OF_BOT = frozenset(NewBot.model_fields) - {
    "master_secret",
    "source",
    "master_webhook_path",
    *strategy_bots.FIELDS,
}


@router.post("", status_code=201, responses=_PATH_IS_TAKEN, response_description="The bot, with its secret")
async def create_bot(wanted: NewBot, me: Me, hub: TheHub) -> BotAnswer:
    """The secret is in this answer and never again."""
    now = hub.clock.now()
    fields = {name: getattr(wanted, name) for name in _FIELDS_OF_BOT}
    bot = Bot(
        id=BotId(new_id(now)),
        owner_id=me.id,
        source=SourceKind(wanted.source),
        master_webhook_path=wanted.master_webhook_path or _path(wanted.name),
        created_at=now,
        updated_at=now,
        **fields,
    )
    made = _run_by_us(hub, wanted, bot)
    bot = bot if made is None else made.bot
    secret = new_secret(hub, bot, wanted.master_secret)

    def work(tables: Tables) -> None:
        tables.bots.add(bot, secret.fingerprint, secret.sealed)
        if made is not None:
            strategy_bots.store_strategy_bot(tables, made, me)
        tables.audit.add(actor=me.id, action="bot.create", subject=bot.id, details={"name": bot.name}, at=now)

    await hub.store.write(work)
    return _answer(hub, bot, me, None if made is None else made.run).model_copy(update=secret.shown)


@router.get("", response_description="Bots, newest first")
async def list_bots(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    name: TextFilter = None,
    market_type: Annotated[MarketType | None, Query()] = None,
    source: Annotated[SourceKind | None, Query()] = None,
    on_opposite: Annotated[OnOpposite | None, Query()] = None,
    signature_v0: Annotated[bool | None, Query()] = None,
    status: Annotated[BotStatus | None, Query()] = None,
) -> Page[BotAnswer]:
    """One's own bots, and everybody's active ones."""
    seen_by = None if me.role is Role.ADMIN else me.id
    filters = given(
        name=name,
        market_type=market_type,
        source=source,
        on_opposite=on_opposite,
        signature_v0=signature_v0,
        status=status,
    )
    found, following = await hub.store.read(
        lambda tables: tables.bots.list(filters, seen_by=seen_by, limit=paging.limit, cursor=paging.cursor),
    )
    total = await hub.store.read(lambda tables: tables.bots.count(filters, seen_by=seen_by)) if paging.total else None
    runs = await _runs(hub, found)
    return Page(items=[_answer(hub, bot, me, runs.get(bot.id)) for bot in found], next=following, total=total)


@router.get("/health", response_model=HealthAnswer, responses=_SICK, response_description="All is well")
async def get_health(hub: TheHub) -> Response | HealthAnswer:
    """How the copy desk is: what is active, and when the last signal came."""
    try:
        found = await hub.store.read(lambda tables: {**tables.bots.health(), **tables.checks.health()})
    except StoreUnavailable:
        return _sick("the database does not answer")
    if not hub.desk.is_running:
        return _sick("the desk does not run here (yet), or another hub does its work")
    return HealthAnswer.model_validate(found)


@router.get("/{bot_id}", response_description="The bot, without its secret")
async def get_bot(bot_id: str, me: Me, hub: TheHub) -> BotAnswer:
    """One's own, or an active one of somebody else."""
    bot = await hub.store.read(lambda tables: tables.bots.get(BotId(bot_id)))
    if bot is None or not (owns_bot(me, bot) or bot.status is BotStatus.ACTIVE):
        raise NotFound("no such bot")
    return _answer(hub, bot, me, (await _runs(hub, [bot])).get(bot.id))


@router.patch("/{bot_id}", responses=_PATH_IS_TAKEN, response_description="The bot as it is now")
async def change_bot(bot_id: str, wanted: BotChange, me: Me, hub: TheHub) -> BotAnswer:
    """Followers' own values stay; the defaults count from the next signal on."""
    changes = wanted.told()
    settings = changes.pop("settings", None)
    now = hub.clock.now()
    if settings is not None:
        await hub.store.read(lambda tables: own_bot(tables, bot_id, me))
        await hub.strategies.change_settings(BotId(bot_id), settings)

    def work(tables: Tables) -> Bot:
        own_bot(tables, bot_id, me)
        changed = tables.bots.change(BotId(bot_id), changes, now)
        if changed is None:
            raise NotFound("no such bot")
        tables.audit.add(
            actor=me.id, action="bot.change", subject=bot_id, details={"fields": sorted(wanted.told())}, at=now
        )
        return changed

    changed = await hub.store.write(work)
    hub.paths.forget()
    return _answer(hub, changed, me, (await _runs(hub, [changed])).get(changed.id))


@router.delete("/{bot_id}", status_code=204, response_description="Archived")
async def archive_bot(bot_id: str, me: Me, hub: TheHub) -> Response:
    """The bot takes no more signals; its history stays."""
    now = hub.clock.now()

    def work(tables: Tables) -> None:
        own_bot(tables, bot_id, me)
        tables.bots.change(BotId(bot_id), {"status": BotStatus.ARCHIVED}, now)
        tables.audit.add(actor=me.id, action="bot.archive", subject=bot_id, details={}, at=now)

    await hub.store.write(work)
    hub.paths.forget()
    return Response(status_code=204)


@router.post("/{bot_id}/rotate-secret", responses=_SECRET_IS_IN_USE, response_description="The new secret, this once")
async def rotate_secret(bot_id: str, me: Me, hub: TheHub, wanted: RotateSecret | None = None) -> NewSecret:
    """A new secret at once; the old one goes on working for `overlap_s`."""
    wanted = wanted or RotateSecret()
    bot = await hub.store.read(lambda tables: own_bot(tables, bot_id, me))
    secret = new_secret(hub, bot, wanted.master_secret)
    now = hub.clock.now()
    old_until = now + timedelta(seconds=wanted.overlap_s)

    def work(tables: Tables) -> None:
        tables.bots.rotate(bot.id, secret.fingerprint, sealed=secret.sealed, old_until=old_until, at=now)
        details = {"overlap_s": wanted.overlap_s}
        tables.audit.add(actor=me.id, action="bot.rotate_secret", subject=bot_id, details=details, at=now)

    await hub.store.write(work)
    hub.paths.forget()
    return NewSecret(old_valid_until=old_until, **secret.shown)


def _sick(cause: str) -> JSONResponse:
    return JSONResponse(SickAnswer(error=cause).model_dump(), 503)


def owns_bot(me: User, bot: Bot) -> bool:
    return me.role is Role.ADMIN or bot.owner_id == me.id


def own_bot(tables: Tables, bot_id: str, me: User) -> Bot:
    """Raise NotFound for one that is somebody else's."""
    bot = tables.bots.get(BotId(bot_id))
    if bot is None or not owns_bot(me, bot):
        raise NotFound("no such bot")
    return bot


def _path(name: str) -> str:
    """Readable, and not to be guessed from the name alone."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "bot"
    return f"bot-{words}-{secrets.token_hex(4)}"


def _run_by_us(hub: Hub, wanted: NewBot, bot: Bot) -> StrategyBot | None:
    if bot.source is SourceKind.STRATEGY:
        return strategy_bots.new_strategy_bot(hub, wanted, bot)
    strategy_bots.refuse_strays(wanted)
    return None


async def _runs(hub: Hub, bots: Sequence[Bot]) -> Mapping[BotId, Run]:
    """Of those that copydesk runs."""
    ours = [bot.id for bot in bots if bot.source is SourceKind.STRATEGY]
    if not ours:
        return {}
    found = await hub.store.read(lambda tables: [tables.strategies.run(one) for one in ours])
    return {run.bot_id: run for _, run, _ in filter(None, found)}


def _answer(hub: Hub, bot: Bot, me: User, run: Run | None = None) -> BotAnswer:
    answer = BotAnswer.model_validate(bot)
    if run is not None:
        shown = {name: getattr(run, name) for name in ("strategy", "timeframe", "settings")}
        answer = answer.model_copy(update={**shown, "symbols": list(run.symbols)})
    if not owns_bot(me, bot):
        return answer.model_copy(update={"master_webhook_path": None, "exchange_account_id": None})
    if bot.source is not SourceKind.TRADINGVIEW:
        return answer
    url = f"{hub.webhook_base}/api/v1/bots/webhook/master/{bot.master_webhook_path}"
    return answer.model_copy(update={"webhook_url": url})
