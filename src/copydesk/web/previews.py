"""Before following: what the bot's last signals would have done, by the planning that copies. Nothing is stored."""

import asyncio
from collections.abc import Iterable, Sequence
from decimal import Decimal

from fastapi import APIRouter

from copydesk.client.models import EffectiveAnswer
from copydesk.client.preview import PreviewAnswer, PreviewHeld, PreviewLine, PreviewWish
from copydesk.domain.bot import Bot, PayloadSize
from copydesk.domain.errors import VenueError
from copydesk.domain.following import split_place
from copydesk.domain.guards import Refusal
from copydesk.domain.planning import Quote
from copydesk.domain.rehearsal import Held, Line, Past, Rehearsal, Stage, rehearse
from copydesk.domain.signal import LegKind
from copydesk.domain.subscription import Account, Subscription, effective_settings
from copydesk.engine.readiness import asks_balances
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.subscriptions import account_owner, refuse_impossible, wanted_subscription

router = APIRouter(prefix="/api/v1/bot-subscriptions", tags=["subscriptions"])

VENUE_TIMEOUT_S = 3.0


@router.post("/preview", response_description="What each signal would have done, newest first")
async def preview_subscription(wanted: PreviewWish, me: Me, hub: TheHub) -> PreviewAnswer:
    """The bot's last signals with these settings on this account: copied with which numbers, or why not; an estimated result
    where later prices are known. Planned as real signals are. Nothing is stored, nothing is sent.
    """
    subscription = wanted_subscription(wanted, me, hub.clock.now())

    def work(tables: Tables) -> tuple[Bot, Account, Sequence[Past]]:
        bot, account = refuse_impossible(hub, tables, subscription, account_owner(me))
        return bot, account, tables.history.past_of_bot(bot.id, wanted.signals)

    bot, account, pasts = await hub.store.read(work)
    stage = await _stage(hub, bot, account, subscription, pasts)
    return _answer(stage, pasts, rehearse(pasts, stage))


async def _stage(hub: Hub, bot: Bot, account: Account, subscription: Subscription, pasts: Sequence[Past]) -> Stage:
    traits = hub.venue(account).traits
    is_terminal = traits.is_terminal
    symbols = () if is_terminal else sorted({past.signal.symbol for past in pasts})
    quotes = await asyncio.gather(*(_quote(hub, account, symbol) for symbol in symbols))
    return Stage(
        bot=bot,
        subscription=subscription,
        account=account,
        quotes={symbol: quote for symbol, quote in zip(symbols, quotes, strict=True) if quote is not None},
        is_terminal=is_terminal,
        is_contracts=traits.is_contracts,
        available_usd=await _available(hub, account) if _needs_balance(bot, subscription, pasts) else None,
    )


def _needs_balance(bot: Bot, subscription: Subscription, pasts: Sequence[Past]) -> bool:
    uses_sizes = bot.payload_size is PayloadSize.USE and subscription.custom_margin_usd is None
    return uses_sizes and any(asks_balances(past.signal) for past in pasts)


async def _quote(hub: Hub, account: Account, symbol: str) -> Quote | None:
    try:
        async with asyncio.timeout(VENUE_TIMEOUT_S):
            return await hub.venue(account).quote(account.environment, symbol)
    except (VenueError, TimeoutError):
        return None


async def _available(hub: Hub, account: Account) -> Decimal | None:
    try:
        async with asyncio.timeout(VENUE_TIMEOUT_S):
            return (await (await hub.desk.sessions.of(account)).balance()).available_usd
    except (VenueError, TimeoutError):
        return None


def _answer(stage: Stage, pasts: Sequence[Past], made: Rehearsal) -> PreviewAnswer:
    openings = [line for line in made.lines if line.leg is LegKind.OPEN]
    refused = sum(isinstance(line.plan, Refusal) for line in openings)
    return PreviewAnswer(
        effective=EffectiveAnswer.model_validate(effective_settings(stage.bot, stage.subscription)),
        signals=len(pasts),
        copied=len(openings) - refused,
        refused=refused,
        realised_usd=_sum(line.result_usd for line in made.lines),
        open_usd=_sum(one.result_usd for one in made.held),
        lines=[_line(line) for line in reversed(made.lines)],
        held=[_held(one) for one in made.held],
    )


def _sum(results: Iterable[Decimal | None]) -> Decimal | None:
    known = [one for one in results if one is not None]
    return sum(known, Decimal(0)) if known else None


def _line(line: Line) -> PreviewLine:
    symbol, ticket = split_place(line.signal.symbol)
    told = {
        "signal_id": line.signal.id,
        "received_at": line.signal.received_at,
        "symbol": symbol,
        "master_ticket": ticket,
        "action": line.signal.action.value,
        "leg": None if line.leg is None else line.leg.value,
        "price": None if line.seen is None else line.seen.price,
        "price_from": None if line.seen is None else line.seen.told_by,
        "rule": line.plan.rule,
        "numbers": dict(line.plan.numbers),
        "result_usd": line.result_usd,
    }
    if isinstance(line.plan, Refusal):
        return PreviewLine(**told, would="refuse", reason=line.plan.reason, inputs={})
    copy = line.plan
    own = {"side": copy.side.value, "direction": copy.direction.value, "quantity": copy.quantity}
    return PreviewLine(**told, **own, would="copy", inputs=dict(copy.inputs))


def _held(one: Held) -> PreviewHeld:
    symbol, ticket = split_place(one.symbol)
    return PreviewHeld(
        symbol=symbol,
        master_ticket=ticket,
        direction=one.position.direction.value,
        quantity=one.position.quantity,
        entry_price=one.position.entry_price,
        opened_at=one.position.opened_at,
        result_usd=one.result_usd,
    )
