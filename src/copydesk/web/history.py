"""Signals, executions with their timeline, and the audit log, for reading."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from copydesk.client.models import ExecutionAnswer, SignalAnswer
from copydesk.domain.errors import NotFound
from copydesk.domain.execution import Execution, Outcome, State, outcome
from copydesk.domain.ids import ExecutionId, SignalId
from copydesk.domain.signal import Action, Side, SourceKind
from copydesk.stores.store import Tables
from copydesk.web.hub import Me, TheHub
from copydesk.web.listing import LIMIT_MAX, Page, PageOf, given

router = APIRouter(prefix="/api/v1", tags=["history"])

Filter = Annotated[str | None, Query(max_length=60)]


@router.get("/bot-signals")
async def list_signals(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    bot_id: Filter = None,
    ticker: Filter = None,
    symbol: Filter = None,
    action: Annotated[Action | None, Query()] = None,
    source: Annotated[SourceKind | None, Query()] = None,
) -> Page[SignalAnswer]:
    filters = given(bot_id=bot_id, ticker=ticker, symbol=symbol, action=action, source=source)

    def work(tables: Tables) -> Page[SignalAnswer]:
        found, following = tables.history.signals(me, filters, limit=paging.limit, cursor=paging.cursor)
        total = tables.history.total(me, "bot_signals", filters) if paging.total else None
        return Page(items=[SignalAnswer.model_validate(one) for one in found], next=following, total=total)

    return await hub.store.read(work)


@router.get("/bot-signals/{signal_id}")
async def get_signal(signal_id: str, me: Me, hub: TheHub) -> SignalAnswer:
    found = await hub.store.read(lambda tables: tables.history.signal(me, SignalId(signal_id)))
    if found is None:
        raise NotFound("no such signal")
    return SignalAnswer.model_validate(found)


@router.get("/bot-signal-executions")
async def list_executions(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    signal_id: Filter = None,
    subscription_id: Filter = None,
    account_id: Filter = None,
    bot_id: Filter = None,
    symbol: Filter = None,
    leg: Filter = None,
    side: Annotated[Side | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    status: Annotated[Outcome | None, Query()] = None,
) -> Page[ExecutionAnswer]:
    filters = given(
        signal_id=signal_id,
        subscription_id=subscription_id,
        account_id=account_id,
        bot_id=bot_id,
        symbol=symbol,
        leg=leg,
        side=side,
        state=state,
        status=status,
    )

    def work(tables: Tables) -> Page[ExecutionAnswer]:
        found, following = tables.history.executions(me, filters, limit=paging.limit, cursor=paging.cursor)
        total = tables.history.total(me, "bot_signal_executions", filters) if paging.total else None
        return Page(items=_answers(tables, found), next=following, total=total)

    return await hub.store.read(work)


@router.get("/bot-signal-executions/{execution_id}")
async def get_execution(execution_id: str, me: Me, hub: TheHub) -> ExecutionAnswer:
    def work(tables: Tables) -> list[ExecutionAnswer]:
        found = tables.history.execution(me, ExecutionId(execution_id))
        return _answers(tables, [] if found is None else [found])

    answers = await hub.store.read(work)
    if not answers:
        raise NotFound("no such execution")
    return answers[0]


@router.get("/audit")
async def list_audit(
    hub: TheHub,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    total: bool = False,
) -> Page[dict[str, Any]]:
    """Newest first; `copydesk admin audit verify` checks the chain."""
    lines = await hub.store.read(lambda tables: tables.audit.lines(limit=limit, before=cursor))
    following = str(lines[-1].number) if len(lines) == limit and lines[-1].number > 1 else None
    newest = await hub.store.read(lambda tables: tables.audit.lines(limit=1)) if total else []
    return Page(items=[asdict(line) for line in lines], next=following, total=newest[0].number if newest else None)


def _answers(tables: Tables, found: Sequence[Execution]) -> list[ExecutionAnswer]:
    timelines = tables.history.timeline([one.id for one in found])
    return [_answer(one, timelines[one.id]) for one in found]


def _answer(one: Execution, timeline: Sequence[Any]) -> ExecutionAnswer:
    own = {name: getattr(one, name) for name in ExecutionAnswer.model_fields if hasattr(one, name)}
    return ExecutionAnswer.model_validate({**own, "status": outcome(one).value, "timeline": list(timeline)})
