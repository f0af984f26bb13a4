"""The signed REST source: a master's tickets come in, and become signals of the caller's bot."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request

from copydesk.client.models import BroadcastStats, WebhookAnswer
from copydesk.domain.bot import Bot
from copydesk.domain.signal import TicketEvent
from copydesk.domain.user import User
from copydesk.sources.broadcast import Message, open_message, read_broadcast
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.refusals import refuses
from copydesk.web.signatures import choose_bot, refuse_unsigned, verify
from copydesk.web.webhook import WAIT_MAX_S, refuse_unknown_symbols, wait_for_results

router = APIRouter(prefix="/signal", tags=["signed signals"])

Wait = Annotated[float, Query(ge=0, le=WAIT_MAX_S, description="seconds to wait for results")]

_TICKET = {"master_ticket": 123456, "symbol": "BTCUSDT", "type": "BUY", "volume": "0.10", "price": "95200"}

_REFUSALS = (
    refuses(401, "the signature does not fit this message")
    | refuses(404, "ticket 5 was never opened here")
    | refuses(409, "ticket 5 is closed")
)
_SAYS = "Stored, and on its way to every follower"


def _described(example: dict[str, object]) -> dict[str, object]:
    schema = {"schema": {"type": "object"}, "example": example}
    text = "Signed with webhook-id, webhook-timestamp and webhook-signature; docs/signals-over-rest.md."
    return {"requestBody": {"required": True, "description": text, "content": {"application/json": schema}}}


@router.post(
    "/broadcast",
    openapi_extra=_described({**_TICKET, "sl": "94000", "tp": "97000"}),
    responses=_REFUSALS,
    response_description=_SAYS,
)
async def broadcast(request: Request, me: Me, hub: TheHub, wait: Wait = 0) -> WebhookAnswer:
    """A master's ticket: new, changed or closed. The answer is the webhook's."""
    return await _take(request, me, hub, wait, None)


@router.post(
    "/close", openapi_extra=_described({"master_ticket": 123456}), responses=_REFUSALS, response_description=_SAYS
)
async def close_signal(request: Request, me: Me, hub: TheHub, wait: Wait = 0) -> WebhookAnswer:
    """A master's ticket is closed; with `volume`, that part of it."""
    return await _take(request, me, hub, wait, TicketEvent.CLOSE)


async def _take(request: Request, me: User, hub: Hub, wait: float, event: TicketEvent | None) -> WebhookAnswer:
    received_at = hub.clock.now()
    refuse_unsigned(request)
    message = open_message(await request.body(), route=request.url.path)
    bot = await choose_bot(hub, me, message)
    signed = await verify(hub, bot, request, message, received_at)
    await _refuse_foreign_login(hub, me, bot, message, received_at)
    instruction = read_broadcast(message, bot, signed, event)
    if instruction.symbol:
        await refuse_unknown_symbols(hub, bot, [instruction], received_at)
    acceptance = await hub.desk.intake.accept(bot.id, instruction, source=bot.source, received_at=received_at)
    stats = BroadcastStats(total_subscribers=acceptance.subscribers)
    if wait > 0:
        stats = await wait_for_results(hub, [acceptance], received_at, wait)
    return WebhookAnswer(
        bot_name=bot.name,
        signal_id=acceptance.signal_id,
        signal_ids=[acceptance.signal_id],
        duplicate=acceptance.duplicate,
        broadcast_stats=stats,
        timestamp=hub.clock.now(),
    )


async def _refuse_foreign_login(hub: Hub, me: User, bot: Bot, message: Message, now: datetime) -> None:
    """A terminal logged in to another account than the one this user may send from: somebody changed it. Where the message does not
    tell its login, the one reported last counts.
    """
    login = message.mt5_login
    if login is None:
        reported = await hub.store.read(lambda tables: tables.terminals.login_of_master(me.id))
        login = None if reported is None else str(reported)
    if login is None or (me.allowed_mt5_id is not None and login == str(me.allowed_mt5_id)):
        return
    details = {"mt5_login": login[:40], "allowed_mt5_id": me.allowed_mt5_id}
    await hub.store.write(
        lambda tables: tables.audit.add(
            actor=me.id, action="signal.foreign_login", subject=bot.id, details=details, at=now
        )
    )
    raise HTTPException(403, "this MT5 login is not the one that you may send signals from")
