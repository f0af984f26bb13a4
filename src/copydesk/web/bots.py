"""Bots: providers make and change their own; everybody signed in sees the active ones."""

import re
import secrets
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from copydesk.client.models import BotAnswer, BotChange, HealthAnswer, NewBot, NewSecret, RotateSecret
from copydesk.domain.bot import Bot, BotStatus, MarketType
from copydesk.domain.errors import FieldError, InvalidInput, NotFound, StoreUnavailable
from copydesk.domain.ids import BotId, new_id
from copydesk.domain.signal import SourceKind
from copydesk.domain.user import Role, User
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import Page, PageOf, given

router = APIRouter(prefix="/api/v1/bots", tags=["bots"])

SECRET_BYTES = 32

_PLACEHOLDERS = re.compile(
    r"change[-_ ]?(me|in)|your[-_ ]?secret|demo[-_ ]?secret|secret[-_ ]?here|example|placeholder", re.IGNORECASE
)
_FIELDS_OF_BOT = frozenset(NewBot.model_fields) - {"master_secret", "source", "master_webhook_path"}


@router.post("", status_code=201)
async def create_bot(wanted: NewBot, me: Me, hub: TheHub) -> BotAnswer:
    """The secret is in this answer and never again."""
    secret = _chosen(wanted.master_secret)
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

    def work(tables: Tables) -> None:
        tables.bots.add(bot, hub.vault.fingerprint(secret))
        tables.audit.add(actor=me.id, action="bot.create", subject=bot.id, details={"name": bot.name}, at=now)

    await hub.store.write(work)
    return _answer(hub, bot, me, master_secret=secret)


@router.get("")
async def list_bots(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    name: Annotated[str | None, Query(max_length=120)] = None,
    market_type: Annotated[MarketType | None, Query()] = None,
    source: Annotated[SourceKind | None, Query()] = None,
    status: Annotated[BotStatus | None, Query()] = None,
) -> Page[BotAnswer]:
    seen_by = None if me.role is Role.ADMIN else me.id
    filters = given(name=name, market_type=market_type, source=source, status=status)
    found, following = await hub.store.read(
        lambda tables: tables.bots.list(filters, seen_by=seen_by, limit=paging.limit, cursor=paging.cursor),
    )
    total = await hub.store.read(lambda tables: tables.bots.count(filters, seen_by=seen_by)) if paging.total else None
    return Page(items=[_answer(hub, bot, me) for bot in found], next=following, total=total)


@router.get("/health", response_model=HealthAnswer)
async def health(hub: TheHub) -> Response | HealthAnswer:
    """How the copy desk is, in four numbers."""
    try:
        found = await hub.store.read(lambda tables: tables.bots.health())
    except StoreUnavailable:
        sick = HealthAnswer(success=False, healthy=False, error="the database does not answer")
        return JSONResponse(sick.model_dump(exclude_none=True), 503)
    return HealthAnswer(success=True, healthy=True, **found)


@router.get("/{bot_id}")
async def get_bot(bot_id: str, me: Me, hub: TheHub) -> BotAnswer:
    bot = await hub.store.read(lambda tables: tables.bots.get(BotId(bot_id)))
    if bot is None or not (_owns(me, bot) or bot.status is BotStatus.ACTIVE):
        raise NotFound("no such bot")
    return _answer(hub, bot, me)


@router.patch("/{bot_id}")
async def change_bot(bot_id: str, wanted: BotChange, me: Me, hub: TheHub) -> BotAnswer:
    """Followers' own values stay; the defaults count from the next signal on."""
    changes = {name: value for name, value in wanted.model_dump(exclude_unset=True).items() if value is not None}
    now = hub.clock.now()

    def work(tables: Tables) -> Bot:
        _own(tables, bot_id, me)
        changed = tables.bots.change(BotId(bot_id), changes, now)
        if changed is None:
            raise NotFound("no such bot")
        tables.audit.add(actor=me.id, action="bot.change", subject=bot_id, details={"fields": sorted(changes)}, at=now)
        return changed

    return _answer(hub, await hub.store.write(work), me)


@router.delete("/{bot_id}", status_code=204)
async def archive_bot(bot_id: str, me: Me, hub: TheHub) -> Response:
    """The bot takes no more signals; its history stays."""
    now = hub.clock.now()

    def work(tables: Tables) -> None:
        _own(tables, bot_id, me)
        tables.bots.change(BotId(bot_id), {"status": BotStatus.ARCHIVED}, now)
        tables.audit.add(actor=me.id, action="bot.archive", subject=bot_id, details={}, at=now)

    await hub.store.write(work)
    return Response(status_code=204)


@router.post("/{bot_id}/rotate-secret")
async def rotate_secret(bot_id: str, me: Me, hub: TheHub, wanted: RotateSecret | None = None) -> NewSecret:
    """A new secret at once; the old one goes on working for `overlap_s`."""
    wanted = wanted or RotateSecret()
    secret = _chosen(wanted.master_secret)
    now = hub.clock.now()
    old_until = now + timedelta(seconds=wanted.overlap_s)

    def work(tables: Tables) -> None:
        _own(tables, bot_id, me)
        tables.bots.rotate(BotId(bot_id), hub.vault.fingerprint(secret), old_until=old_until, at=now)
        details = {"overlap_s": wanted.overlap_s}
        tables.audit.add(actor=me.id, action="bot.rotate_secret", subject=bot_id, details=details, at=now)

    await hub.store.write(work)
    return NewSecret(master_secret=secret, old_valid_until=old_until)


def _owns(me: User, bot: Bot) -> bool:
    return me.role is Role.ADMIN or bot.owner_id == me.id


def _own(tables: Tables, bot_id: str, me: User) -> Bot:
    bot = tables.bots.get(BotId(bot_id))
    if bot is None or not _owns(me, bot):
        raise NotFound("no such bot")
    return bot


def _chosen(secret: str | None) -> str:
    if secret is None:
        return secrets.token_urlsafe(SECRET_BYTES)
    if _PLACEHOLDERS.search(secret):
        problem = "this is a placeholder: leave it out and the server makes one"
        raise InvalidInput(f"master_secret: {problem}", (FieldError("master_secret", problem),))
    return secret


def _path(name: str) -> str:
    """Readable, and not to be guessed from the name alone."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "bot"
    return f"bot-{words}-{secrets.token_hex(4)}"


def _answer(hub: Hub, bot: Bot, me: User, *, master_secret: str | None = None) -> BotAnswer:
    answer = BotAnswer.model_validate(bot)
    if not _owns(me, bot):
        return answer.model_copy(update={"master_webhook_path": None})
    url = f"{hub.webhook_base}/api/v1/bots/webhook/master/{bot.master_webhook_path}"
    return answer.model_copy(update={"webhook_url": url, "master_secret": master_secret})
