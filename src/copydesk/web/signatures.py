"""Who may send a signed signal: a bot of the caller's own, and a signature that is right, fresh and of a kind it takes."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import HTTPException, Request

from copydesk.domain.bot import Bot
from copydesk.domain.errors import FieldError, InvalidInput, NotFound
from copydesk.domain.ids import BotId
from copydesk.domain.signing import TOLERANCE, Signed, verify_v0, verify_v1
from copydesk.domain.user import Role, User
from copydesk.sources.broadcast import Message
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub
from copydesk.web.secrets import SIGNED_SOURCES, signing_context

V1_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
V0_HEADERS = ("x-timestamp", "x-signature")
ID_MAX = 200


def refuse_unsigned(request: Request) -> None:
    """Before anything else is said about a message: whoever holds a token alone has nothing to say here."""
    if not any(name in request.headers for name in (*V1_HEADERS, *V0_HEADERS)):
        raise HTTPException(401, f"a token alone is not enough, the message must be signed: {', '.join(V1_HEADERS)}")


async def choose_bot(hub: Hub, me: User, message: Message) -> Bot:
    """The one that the message names, else the caller's only bot that takes signed signals."""
    bot_id = message.document.get("bot_id")
    if bot_id is not None:
        if not isinstance(bot_id, str):
            raise _unclear("a bot's id is text")
        named = await hub.store.read(lambda tables: tables.bots.get(BotId(bot_id)))
        if named is None or (named.owner_id != me.id and me.role is not Role.ADMIN):
            raise NotFound("no such bot")
        if named.source not in SIGNED_SOURCES:
            raise _unclear(f"{named.id} is a bot of source {named.source}: it takes no signed signals")
        return named
    own = await hub.store.read(lambda tables: tables.bots.signed(me.id))
    if not own:
        raise NotFound("you have no bot of source rest or master: make one first")
    if len(own) > 1:
        listed = ", ".join(f"{bot.id} ({bot.name})" for bot in own)
        raise _unclear(f"you have several bots that take signed signals, name one: {listed}")
    return own[0]


async def verify(hub: Hub, bot: Bot, request: Request, message: Message, now: datetime) -> Signed:
    """Raise 401. That the signature was right is told only where the clocks disagree."""
    if any(name in request.headers for name in V1_HEADERS):
        signed = await _verify_v1(hub, bot, request, now)
    else:
        signed = _verify_v0(bot, request, message)
    if signed is None:
        raise HTTPException(401, "the signature does not fit this message")
    if abs(signed.at - now) > TOLERANCE:
        told = f"{signed.at.isoformat()}, while this desk's clock says {now.isoformat()}"
        raise HTTPException(401, f"the message was signed at {told}: at most {TOLERANCE.seconds} s may lie between")
    return signed


async def _verify_v1(hub: Hub, bot: Bot, request: Request, now: datetime) -> Signed | None:
    message_id, timestamp, signature = (request.headers.get(name, "") for name in V1_HEADERS)
    if len(message_id) > ID_MAX:
        return None
    sealed = await hub.store.read(lambda tables: _sealed(tables, bot.id, now))
    secrets = [hub.vault.unseal(one, context=signing_context(bot.id)) for one in sealed]
    body = await request.body()
    return verify_v1(secrets, message_id=message_id, timestamp=timestamp, signature=signature, body=body)


def _verify_v0(bot: Bot, request: Request, message: Message) -> Signed | None:
    if not bot.signature_v0:
        raise HTTPException(
            401, f"this bot takes no v0 signatures (its signature_v0 is off): sign with {', '.join(V1_HEADERS)}"
        )
    _, _, token = request.headers.get("authorization", "").partition(" ")
    timestamp, signature = (request.headers.get(name, "") for name in V0_HEADERS)
    return verify_v0(token.strip(), timestamp=timestamp, signature=signature, payload=message.raw)


def _sealed(tables: Tables, bot_id: BotId, now: datetime) -> Sequence[str]:
    return tables.bots.sealed_secrets(bot_id, now)


def _unclear(problem: str) -> InvalidInput:
    return InvalidInput(f"bot_id: {problem}", (FieldError("bot_id", problem),))
