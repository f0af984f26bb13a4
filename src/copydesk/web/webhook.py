"""Alerts come in: verified, stored, answered; the copying goes on after the answer."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, HTTPException, Query, Request

from copydesk.client.models import BroadcastStats, WebhookAnswer
from copydesk.domain.bot import Bot
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.execution import FINAL, State
from copydesk.domain.ids import SignalId
from copydesk.domain.signal import Instruction, SourceKind
from copydesk.engine.intake import Acceptance
from copydesk.sources.tradingview import open_alert, read_alert
from copydesk.web.hub import Hub, TheHub

log = structlog.get_logger()


router = APIRouter(tags=["webhook"])

PREFIX = "/api/v1/bots/webhook/master/"

WAIT_MAX_S = 2.5
"""TradingView hangs up after 3 seconds."""

LOOK_EVERY_S = 0.02

_NO_RESULTS: Mapping[str, Any] = dict.fromkeys(BroadcastStats.model_fields)

_ALERT = {
    "requestBody": {
        "required": True,
        "description": "The alert's message; docs/tradingview.md shows every accepted shape.",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"secret": "the bot's secret", "ticker": "BTCUSDT", "action": "buy", "price": "95200"},
            },
        },
    },
}


@router.post(
    PREFIX + "{path}",
    response_model=WebhookAnswer,
    openapi_extra=_ALERT,
    response_description="Stored, and on its way to every follower",
)
async def receive_alert(
    path: str,
    request: Request,
    hub: TheHub,
    secret: Annotated[str | None, Query(max_length=200)] = None,
    wait: Annotated[float, Query(ge=0, le=WAIT_MAX_S, description="seconds to wait for results")] = 0,
) -> Mapping[str, Any]:
    """A TradingView alert. The answer leaves as soon as the signal is durable, or with `wait`, when it is settled."""
    return await take_alert(hub, path, await request.body(), request, secret, wait)


async def take_alert(
    hub: Hub, path: str, body: bytes, request: Request, secret: str | None = None, wait: float = 0
) -> Mapping[str, Any]:
    """What a WebhookAnswer holds. Raises what refuses it: HTTPException(401), or an error of ours."""
    received_at = hub.clock.now()
    alert = open_alert(body, secret)
    bot = await _admit(hub, path, alert.secret or secret, request, received_at)
    instructions = read_alert(alert, received_at)
    await refuse_unknown_symbols(hub, bot, instructions, received_at)
    acceptances = await hub.desk.intake.accept_all(
        bot.id, instructions, source=SourceKind.TRADINGVIEW, received_at=received_at
    )
    stats = {**_NO_RESULTS, "total_subscribers": acceptances[0].subscribers}
    if wait > 0:
        stats = (await wait_for_results(hub, acceptances, received_at, wait)).model_dump()
    return {
        "success": True,
        "bot_name": bot.name,
        "signal_id": acceptances[0].signal_id,
        "signal_ids": [one.signal_id for one in acceptances],
        "status": "accepted",
        "duplicate": all(one.duplicate for one in acceptances),
        "broadcast_stats": stats,
        "timestamp": hub.clock.now(),
    }


async def _admit(hub: Hub, path: str, secret: str | None, request: Request, now: datetime) -> Bot:
    """The bot whose secret this is; a wrong secret, an unknown path and a wrong sender look the same from outside."""
    objection = hub.senders.objection(request)
    bot = await hub.paths.admit(path, hub.vault.fingerprint(secret or ""), now)
    if bot is None or bot.source is not SourceKind.TRADINGVIEW or not secret or objection is not None:
        address = hub.senders.address(request)
        if objection is not None:
            log.warning("webhook refused", address=address, reason=objection)
        hub.limits.strangers.take(address, now)
        raise HTTPException(401, "unknown webhook path or wrong secret")
    hub.limits.webhooks.take(bot.id, now)
    return bot


async def refuse_unknown_symbols(hub: Hub, bot: Bot, instructions: Sequence[Instruction], now: datetime) -> None:
    """A typing error must not look like a signal nobody could follow."""
    known = {one.symbol: await hub.knows_symbol(bot.market_type, one.symbol, now) for one in instructions}
    for number, one in enumerate(instructions):
        if known[one.symbol] is False:
            field = f"[{number}].ticker" if len(instructions) > 1 else "ticker"
            problem = f"{one.symbol} is not traded at any {bot.market_type} venue of this desk"
            raise InvalidInput(f"{field}: {problem}", (FieldError(field, problem),), code="unknown_symbol")


async def wait_for_results(
    hub: Hub, acceptances: Sequence[Acceptance], received_at: datetime, wait_s: float
) -> BroadcastStats:
    """Of all the alert's signals together; each means one follower's answer, or several, for every subscriber."""
    settled: dict[SignalId, Counter[State]] = {}
    try:
        async with asyncio.timeout(wait_s):
            for one in acceptances:
                while not _is_settled(settled.get(one.signal_id, Counter()), one.subscribers):
                    await hub.clock.sleep(LOOK_EVERY_S)
                    settled[one.signal_id] = await _states(hub, one.signal_id)
    except TimeoutError:
        settled = {one.signal_id: await _states(hub, one.signal_id) for one in acceptances}
    states = sum(settled.values(), Counter())
    executed, skipped = states.get(State.FILLED, 0), states.get(State.SKIPPED, 0)
    failed = sum(count for state, count in states.items() if state in FINAL) - executed - skipped
    return BroadcastStats(
        total_subscribers=acceptances[0].subscribers,
        successful_executions=executed,
        failed_executions=failed,
        skipped=skipped,
        duration_ms=int((hub.clock.now() - received_at).total_seconds() * 1000),
    )


def _is_settled(states: Counter[State], subscribers: int) -> bool:
    return states.total() >= subscribers and FINAL.issuperset(states)


async def _states(hub: Hub, signal_id: SignalId) -> Counter[State]:
    return Counter(await hub.store.read(lambda tables: tables.history.states_of_signal(signal_id)))
