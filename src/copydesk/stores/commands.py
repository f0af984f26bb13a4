"""The book of what agents were told: commands, each agent's count of them, and what became of each."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import convert
from msgspec.structs import asdict, replace
from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from copydesk.domain.errors import Conflict
from copydesk.domain.frames import NOT_THE_END, Command, Event, Result
from copydesk.domain.ids import AccountId, UserId
from copydesk.domain.terminal import Terminal, TerminalRole, trade_copy_of
from copydesk.ports.agents import CANCEL_MARK, Agent, Kept, Numbered, agent_id_of
from copydesk.stores import terminal_tables
from copydesk.stores.agent_snapshot import CONFIG, snapshot_of, told_settings
from copydesk.stores.database import Database
from copydesk.stores.openings import unwanted_openings
from copydesk.stores.rows import among, columns, dump, load
from copydesk.stores.statements import execute_all

_COMMANDS, _FRAMES = terminal_tables.agent_commands, terminal_tables.agent_frames
_AGENTS, _TERMINALS = terminal_tables.agents, terminal_tables.terminals

UNHEARD_MAX = 1_000
NAMES_MAX = 50
"""Of one user; each is counted for at every command."""

_COUNT_ON = (
    update(_AGENTS)
    .where(_AGENTS.c.user_id == bindparam("owner"), _AGENTS.c.seen_at >= bindparam("since"))
    .values(last_seq=_AGENTS.c.last_seq + 1)
    .returning(_AGENTS.c.id, _AGENTS.c.last_seq)
)
_KEPT = (*columns(_COMMANDS, Command), _COMMANDS.c.received_at, _COMMANDS.c.result, _COMMANDS.c.ended_at)
_ONE = select(*_KEPT).where(_COMMANDS.c.id == bindparam("id"))
_AFTER = (
    select(_FRAMES.c.seq, *_KEPT)
    .join(_COMMANDS, _COMMANDS.c.id == _FRAMES.c.command_id)
    .where(_FRAMES.c.agent_id == bindparam("agent_id"), _FRAMES.c.seq > bindparam("seq"))
    .order_by(_FRAMES.c.seq.desc())
)
_COUNTS = select(_AGENTS.c.id, _AGENTS.c.last_seq).where(among(_AGENTS.c.id, "ids"))
_NAMES = select(func.count()).where(_AGENTS.c.user_id == bindparam("owner"), _AGENTS.c.id != bindparam("id"))
_UNHEARD = _COMMANDS.c.ended_at.is_(None), _COMMANDS.c.received_at.is_(None)
_INSERT, _INSERT_FRAMES = _COMMANDS.insert(), _FRAMES.insert()
_SEEN = update(_AGENTS).where(among(_AGENTS.c.id, "ids")).values(seen_at=bindparam("at"))
_RECEIVE = (
    update(_COMMANDS)
    .where(among(_COMMANDS.c.id, "ids"), _COMMANDS.c.owner_id == bindparam("owner"), _COMMANDS.c.received_at.is_(None))
    .values(received_at=bindparam("at"))
)
_END_CANCELS = (
    update(_COMMANDS)
    .where(among(_COMMANDS.c.id, "ids"), _COMMANDS.c.owner_id == bindparam("owner"), _COMMANDS.c.event == Event.CANCEL)
    .where(_COMMANDS.c.id.endswith(CANCEL_MARK))
    .values(ended_at=bindparam("at"))
)
"""A command that is taken back tells its own end: of the word for it nothing more is told. That a master took an order back is
a command like others.
"""


class StoredCommandBook:
    """The CommandBook of ports/agents.py."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def connect(self, user_id: UserId, role: str, name: str, at: datetime) -> Agent:
        agent = Agent(
            id=agent_id_of(user_id, role, name), user_id=user_id, role=role, name=name, last_seq=0, seen_at=at
        )

        def work(connection: Connection) -> Agent:
            count = connection.execute(_NAMES, {"owner": user_id, "id": agent.id}).scalar_one()
            if count >= NAMES_MAX:
                raise Conflict(f"this user has {NAMES_MAX} agents by name: use one of them")
            insert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(_AGENTS)
            known = insert.on_conflict_do_update(index_elements=["id"], set_={"seen_at": insert.excluded.seen_at})
            row = connection.execute(known.returning(_AGENTS.c.last_seq), dump(agent)).one()
            return replace(agent, last_seq=row.last_seq)

        return await self._database.write(work)

    async def seen(self, agents: Collection[str], at: datetime) -> None:
        if agents:
            await self._database.write(lambda connection: connection.execute(_SEEN, {"ids": agents, "at": at}))

    async def add(self, command: Command, *, seen_since: datetime) -> tuple[Command, Sequence[Numbered]]:
        def work(connection: Connection) -> tuple[Command, Sequence[Numbered]]:
            config = connection.execute(CONFIG, {"user_id": command.owner_id}).scalar_one()
            settings = told_settings(trade_copy_of(config)) | command.data.get("settings", {})
            whole = replace(command, data={**command.data, "settings": settings})
            row = dump(whole, received_at=None, result=None, ended_at=None)
            execute_all(connection, _INSERT, [row])
            counted = connection.execute(_COUNT_ON, {"owner": command.owner_id, "since": seen_since}).all()
            numbered = [Numbered(agent_id, seq) for agent_id, seq in counted]
            frames = [
                {"agent_id": one.agent_id, "seq": one.seq, "command_id": command.id, "created_at": command.created_at}
                for one in numbered
            ]
            if frames:
                execute_all(connection, _INSERT_FRAMES, frames)
            return whole, numbered

        return await self._database.write(work)

    async def after(self, agent_id: str, seq: int, most: int) -> tuple[Sequence[tuple[int, Kept]], int]:
        def work(connection: Connection) -> tuple[list[tuple[int, Kept]], int]:
            newest = connection.execute(_COUNTS, {"ids": [agent_id]}).one().last_seq
            rows = connection.execute(_AFTER.limit(most), {"agent_id": agent_id, "seq": seq}).all()
            return [(row.seq, _kept(row)) for row in reversed(rows)], newest

        return await self._database.read(work)

    async def counts(self, agents: Collection[str]) -> Mapping[str, int]:
        def work(connection: Connection) -> dict[str, int]:
            return {row.id: row.last_seq for row in connection.execute(_COUNTS, {"ids": list(agents)})}

        return await self._database.read(work)

    async def unheard(self, owner_id: UserId, at: datetime) -> Sequence[Command]:
        return await self._database.read(lambda connection: _unheard(connection, owner_id, at))

    async def number_unheard(self, agent_id: str, owner_id: UserId, at: datetime) -> None:
        def work(connection: Connection) -> None:
            found = _unheard(connection, owner_id, at)
            if not found:
                return
            counted = update(_AGENTS).where(_AGENTS.c.id == agent_id)
            counted = counted.values(last_seq=_AGENTS.c.last_seq + len(found))
            newest: int = connection.execute(counted.returning(_AGENTS.c.last_seq)).scalar_one()
            first = newest - len(found) + 1
            frames = [
                {"agent_id": agent_id, "seq": seq, "command_id": one.id, "created_at": at}
                for seq, one in enumerate(found, first)
            ]
            execute_all(connection, _INSERT_FRAMES, frames)

        await self._database.write(work)

    async def unwanted(self, ids: Collection[str]) -> frozenset[str]:
        return await self._database.read(lambda connection: unwanted_openings(connection, ids))

    async def receive(self, ids: Collection[str], owner_id: UserId, at: datetime) -> None:
        def work(connection: Connection) -> None:
            for statement in (_RECEIVE, _END_CANCELS):
                connection.execute(statement, {"ids": ids, "owner": owner_id, "at": at})

        await self._database.write(work)

    async def finish(self, result: Result, owner_id: UserId, at: datetime) -> Command | None:
        def work(connection: Connection) -> Command | None:
            row = connection.execute(_ONE.with_for_update(), {"id": result.id}).one_or_none()
            kept = None if row is None else _kept(row)
            if kept is None or kept.command.owner_id != owner_id or _is_definite(kept.result):
                return None
            values = {"result": asdict(result), "received_at": kept.received_at or at}
            if _is_definite(result):
                values["ended_at"] = at
            connection.execute(update(_COMMANDS).where(_COMMANDS.c.id == result.id).values(values))
            return kept.command

        return await self._database.write(work)

    async def find(self, command_id: str) -> Kept | None:
        def work(connection: Connection) -> Kept | None:
            row = connection.execute(_ONE, {"id": command_id}).one_or_none()
            return None if row is None else _kept(row)

        return await self._database.read(work)

    async def expire(self, at: datetime) -> Sequence[Command]:
        def work(connection: Connection) -> list[Command]:
            late = select(*columns(_COMMANDS, Command)).where(*_UNHEARD, _COMMANDS.c.expires_at < at)
            found = [_command(row) for row in connection.execute(late.with_for_update()).all()]
            if found:
                ended = (
                    update(_COMMANDS).where(among(_COMMANDS.c.id, "ids"), *_UNHEARD).values(ended_at=bindparam("at"))
                )
                connection.execute(ended, {"ids": [one.id for one in found], "at": at})
            return found

        return await self._database.write(work)

    async def withdraw(self, command_id: str, at: datetime) -> bool:
        ended = update(_COMMANDS).where(_COMMANDS.c.id == command_id, *_UNHEARD).values(ended_at=at)
        return await self._database.write(lambda connection: connection.execute(ended).rowcount == 1)

    async def terminal(self, owner_id: UserId, login: int) -> Terminal | None:
        query = select(*columns(_TERMINALS, Terminal)).where(
            _TERMINALS.c.user_id == owner_id, _TERMINALS.c.login == login, _TERMINALS.c.role == TerminalRole.COPIER
        )

        def work(connection: Connection) -> Terminal | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else load(Terminal, row)

        return await self._database.read(work)

    async def forget(self, before: datetime) -> None:
        def work(connection: Connection) -> None:
            connection.execute(_FRAMES.delete().where(_FRAMES.c.created_at < before))
            gone = select(_AGENTS.c.id).where(_AGENTS.c.seen_at < before)
            connection.execute(_FRAMES.delete().where(_FRAMES.c.agent_id.in_(gone)))
            connection.execute(_AGENTS.delete().where(_AGENTS.c.seen_at < before))

        await self._database.write(work)

    async def snapshot(self, owner_id: UserId, account_id: AccountId | None) -> Mapping[str, Any]:
        return await self._database.read(lambda connection: snapshot_of(connection, owner_id, account_id))


def _unheard(connection: Connection, owner_id: UserId, at: datetime) -> list[Command]:
    query = select(*columns(_COMMANDS, Command)).where(
        *_UNHEARD, _COMMANDS.c.expires_at > at, _COMMANDS.c.owner_id == owner_id
    )
    return [
        _command(row)
        for row in connection.execute(query.order_by(_COMMANDS.c.created_at, _COMMANDS.c.id).limit(UNHEARD_MAX))
    ]


def _is_definite(result: Result | None) -> bool:
    return result is not None and result.status not in NOT_THE_END


def _command(row: Row[Any]) -> Command:
    return load(Command, row)


def _kept(row: Row[Any]) -> Kept:
    result = None if row.result is None else convert(row.result, Result, strict=False)
    return Kept(command=_command(row), received_at=row.received_at, result=result, ended_at=row.ended_at)
