"""MetaTrader 5 terminals: the programs beside them report, their owners look."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter

from copydesk.client.terminals import TerminalAnswer, TerminalFigures, TerminalReport, TerminalsAnswer
from copydesk.domain.errors import NotFound
from copydesk.domain.ids import UserId
from copydesk.domain.terminal import Terminal, TerminalRole
from copydesk.domain.user import Role
from copydesk.stores.store import Tables
from copydesk.web.hub import Me, TheHub

router = APIRouter(prefix="/mt5/status", tags=["terminals"])


@router.post("", response_description="The terminal as the desk knows it now")
async def report_terminal(report: TerminalReport, me: Me, hub: TheHub) -> TerminalAnswer:
    """From a Master Sender or a Client Copier, every minute and on every change."""
    figures = report.model_dump(mode="json", include=set(TerminalFigures.model_fields), exclude_none=True)
    terminal = Terminal(
        user_id=me.id,
        role=report.role or (TerminalRole.COPIER if me.role is Role.FOLLOWER else TerminalRole.MASTER),
        login=report.login,
        server=report.server,
        connected=report.connected,
        figures=figures,
        reported_at=hub.clock.now(),
    )
    await hub.store.write(lambda tables: tables.terminals.put(terminal))
    return terminal_answer(terminal, terminal.reported_at)


@router.get("/{user_id}", response_description="The terminal heard of last, and all of them")
async def get_terminals(user_id: str, me: Me, hub: TheHub) -> TerminalsAnswer:
    """One's own; an admin sees everybody's. Where nothing came for 90 seconds, it is disconnected."""
    owner = UserId(user_id)
    if me.role is not Role.ADMIN and owner != me.id:
        raise NotFound("no such user")

    def work(tables: Tables) -> tuple[Sequence[Terminal], int]:
        own = [bot.id for bot in tables.bots.signed(owner)]
        return tables.terminals.of_user(owner), sum(tables.followers.audience(own).values())

    found, clients = await hub.store.read(work)
    if not found:
        raise NotFound("no terminal of this user has reported yet")
    answers = [terminal_answer(one, hub.clock.now(), clients) for one in found]
    return TerminalsAnswer(**answers[0].model_dump(), terminals=answers)


def terminal_answer(terminal: Terminal, now: datetime, clients: int | None = None) -> TerminalAnswer:
    """How many follow a master the desk counts, where the program beside the terminal does not tell it."""
    counted = {"active_clients": clients} if terminal.role is TerminalRole.MASTER and clients is not None else {}
    return TerminalAnswer(
        **{**counted, **terminal.figures},
        user_id=terminal.user_id,
        role=terminal.role,
        server=terminal.server,
        login=terminal.login,
        connected=terminal.is_connected(now),
        reported_at=terminal.reported_at,
    )
