"""Signals, executions with their timeline, and the audit log, for reading."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from copydesk.client.desk import AuditAnswer, Page
from copydesk.client.models import ExecutionAnswer, FaredAnswer, SignalAnswer
from copydesk.domain.errors import NotFound
from copydesk.domain.execution import Execution, Outcome, State, outcome
from copydesk.domain.following import split_place
from copydesk.domain.ids import ExecutionId, SignalId
from copydesk.domain.signal import Action, Side, Signal, SourceKind
from copydesk.stores.store import Tables
from copydesk.web.hub import Me, TheHub
from copydesk.web.listing import IdFilter, Limit, PageOf, TextFilter, Total, given

router = APIRouter(prefix="/api/v1", tags=["history"])


@router.get("/bot-signals", response_description="Signals, newest first")
async def list_signals(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    bot_id: IdFilter = None,
    ticker: TextFilter = None,
    symbol: TextFilter = None,
    action: Annotated[Action | None, Query()] = None,
    source: Annotated[SourceKind | None, Query()] = None,
    fared: Annotated[bool, Query(description="tell how its followers fared")] = False,
) -> Page[SignalAnswer]:
    """A follower sees the signals that concerned them, a provider those of the own bots, an admin all."""
    filters = given(bot_id=bot_id, ticker=ticker, symbol=symbol, action=action, source=source)

    def work(tables: Tables) -> Page[SignalAnswer]:
        found, following = tables.history.signals(me, filters, limit=paging.limit, cursor=paging.cursor)
        total = tables.history.total(me, "bot_signals", filters) if paging.total else None
        told = tables.overview.fared(me, [one.id for one in found]) if fared else {}
        return Page(items=[signal_answer(one, told.get(one.id)) for one in found], next=following, total=total)

    return await hub.store.read(work)


@router.get("/bot-signals/{signal_id}", response_description="The signal")
async def get_signal(signal_id: str, me: Me, hub: TheHub) -> SignalAnswer:
    """What was accepted, and the steps it means for every follower."""
    found = await hub.store.read(lambda tables: tables.history.signal(me, SignalId(signal_id)))
    if found is None:
        raise NotFound("no such signal")
    return signal_answer(found)


@router.get("/bot-signal-executions", response_description="Executions, newest first")
async def list_executions(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    signal_id: IdFilter = None,
    subscription_id: IdFilter = None,
    account_id: IdFilter = None,
    bot_id: IdFilter = None,
    symbol: TextFilter = None,
    leg: IdFilter = None,
    exchange_order_id: TextFilter = None,
    client_order_id: TextFilter = None,
    side: Annotated[Side | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    status: Annotated[Outcome | None, Query()] = None,
) -> Page[ExecutionAnswer]:
    """What became of signals, one entry per follower and leg. Seen like the signals; `status` is `state` in one word."""
    filters = given(
        signal_id=signal_id,
        subscription_id=subscription_id,
        account_id=account_id,
        bot_id=bot_id,
        symbol=symbol,
        leg=leg,
        exchange_order_id=exchange_order_id,
        client_order_id=client_order_id,
        side=side,
        state=state,
        status=status,
    )

    def work(tables: Tables) -> Page[ExecutionAnswer]:
        found, following = tables.history.executions(me, filters, limit=paging.limit, cursor=paging.cursor)
        total = tables.history.total(me, "bot_signal_executions", filters) if paging.total else None
        return Page(items=execution_answers(tables, found), next=following, total=total)

    return await hub.store.read(work)


@router.get("/bot-signal-executions/{execution_id}", response_description="The execution")
async def get_execution(execution_id: str, me: Me, hub: TheHub) -> ExecutionAnswer:
    """With the plan (its inputs, rule and numbers) and every move it made."""

    def work(tables: Tables) -> list[ExecutionAnswer]:
        found = tables.history.execution(me, ExecutionId(execution_id))
        return execution_answers(tables, [] if found is None else [found])

    answers = await hub.store.read(work)
    if not answers:
        raise NotFound("no such execution")
    return answers[0]


@router.get("/audit", response_description="Lines, newest first")
async def list_audit(
    hub: TheHub,
    limit: Limit = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**53, description="the `next` of the page before")] = None,
    total: Total = False,
    actor: TextFilter = None,
    action: TextFilter = None,
    subject: TextFilter = None,
) -> Page[AuditAnswer]:
    """Who did what, newest first; `copydesk admin audit verify` checks the chain."""
    filters = given(actor=actor, action=action, subject=subject)

    def work(tables: Tables) -> Page[AuditAnswer]:
        lines = tables.audit.lines(filters, limit=limit + 1, before=cursor)
        following = str(lines[limit - 1].number) if len(lines) > limit else None
        items = [AuditAnswer.model_validate(line) for line in lines[:limit]]
        return Page(items=items, next=following, total=tables.audit.count(filters) if total else None)

    return await hub.store.read(work)


def signal_answer(one: Signal, fared: Mapping[Outcome, int] | None = None) -> SignalAnswer:
    own: dict[str, Any] = {name: getattr(one, name) for name in SignalAnswer.model_fields if hasattr(one, name)}
    own["symbol"], number = split_place(one.symbol)
    if fared is not None:
        own["fared"] = FaredAnswer(**{outcome.value: fared.get(outcome, 0) for outcome in Outcome})
    return SignalAnswer.model_validate({**own, "master_ticket": number if one.ticket is None else one.ticket.number})


def execution_answers(tables: Tables, found: Sequence[Execution]) -> list[ExecutionAnswer]:
    timelines = tables.history.timeline([one.id for one in found])
    return [_answer(one, timelines[one.id]) for one in found]


def _answer(one: Execution, timeline: Sequence[Any]) -> ExecutionAnswer:
    own = {name: getattr(one, name) for name in ExecutionAnswer.model_fields if hasattr(one, name)}
    own["symbol"], own["master_ticket"] = split_place(one.symbol)
    return ExecutionAnswer.model_validate({**own, "status": outcome(one).value, "timeline": list(timeline)})
