"""The admin's programs: the store without the API."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace
from pydantic import ValidationError

from copydesk.client.people import NewUser
from copydesk.domain.errors import FieldError, IllegalMove, InvalidInput, NotFound
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import ExecutionId
from copydesk.domain.life import Event, Rules, Shown, StatedNotPlaced
from copydesk.domain.order import OrderReport, OrderStatus
from copydesk.domain.subscription import PositionMode
from copydesk.domain.user import Role, User, new_user
from copydesk.engine.making import Freezer
from copydesk.engine.settlement import settle
from copydesk.ports.clock import SystemClock
from copydesk.settings import Settings
from copydesk.stores.store import SqlStore, Tables
from copydesk.web.tokens import Passwords
from copydesk.wiring.databases import open_database, open_vault
from copydesk.wiring.venues import Venues


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """The store, its schema up to date."""
    database = open_database(settings)
    await database.start()
    try:
        yield SqlStore(database, open_vault(settings))
    finally:
        await database.close()


async def create_user(settings: Settings, *, username: str, password: str, role: Role) -> User:
    """Raise InvalidInput or Conflict as the API would."""
    try:
        wanted = NewUser(username=username, password=password, role=role)
    except ValidationError as error:
        fields = tuple(FieldError(str(one["loc"][0]), one["msg"]) for one in error.errors())
        raise InvalidInput("; ".join(f"{one.field}: {one.problem}" for one in fields), fields) from error
    now = SystemClock().now()
    password_hash = await Passwords().hash(wanted.password)
    user = new_user(wanted.username, wanted.role, at=now, subscription=wanted.subscription)

    def work(tables: Tables) -> None:
        tables.users.add(user, password_hash)
        details = {"username": user.username, "role": user.role}
        tables.audit.add(actor="command line", action="user.create", subject=user.id, details=details, at=now)

    async with open_store(settings) as store:
        await store.write(work)
    return user


async def first_broken_audit_line(settings: Settings) -> int | None:
    async with open_store(settings) as store:
        return await store.read(lambda tables: tables.audit.first_broken())


async def settle_by_hand(settings: Settings, execution_id: str, *, filled: tuple[Decimal, Decimal] | None) -> Execution:
    """What a person states of an execution in REVIEW: quantity and price filled, or (None) that it was never placed.

    Raise NotFound or IllegalMove; written to the audit log.
    """
    now = SystemClock().now()
    database = open_database(settings)
    await database.start()
    venues = Venues(settings, database, SystemClock())

    def work(tables: Tables) -> Execution:
        execution = tables.executions.get(ExecutionId(execution_id))
        account = None if execution is None else tables.followers.account(execution.account_id)
        if execution is None or account is None:
            raise NotFound(f"there is no execution {execution_id}")
        if execution.state is not State.REVIEW:
            raise IllegalMove(f"execution {execution_id} is {execution.state}: only one in REVIEW waits for a person")
        made = tables.followers.preparation(account.id, execution.symbol)
        mode = PositionMode.ONE_WAY if made is None else made.position_mode
        freezer = Freezer(venue=venues[account.venue], mode=mode, at=now)
        stated = _stated(execution, filled)
        outcome = settle(tables, execution, stated, at=now, rules=Rules(repeatable=False), freezer=lambda: freezer)
        _leave_to_the_hub(tables, outcome.to_send, now)
        settled = outcome.execution
        details = {"state": settled.state, "filled": None if filled is None else [str(part) for part in filled]}
        tables.audit.add(actor="command line", action="execution.settle", subject=execution_id, details=details, at=now)
        return settled

    try:
        return await SqlStore(database, open_vault(settings)).write(work)
    finally:
        await venues.close()
        await database.close()


def _leave_to_the_hub(tables: Tables, stops: Sequence[Execution], now: datetime) -> None:
    """This program sends nothing: what was never sent is proved absent, and the running hub sends it."""
    for stop in stops:
        for state in (State.UNKNOWN, State.ABSENT, State.QUEUED):
            stop = tables.executions.move(stop, replace(stop, state=state, reason="Left to the hub"), at=now)  # noqa: PLW2901


def _stated(execution: Execution, filled: tuple[Decimal, Decimal] | None) -> Event:
    if filled is None:
        return StatedNotPlaced(reason="Not placed, as a person stated")
    report = OrderReport(
        status=OrderStatus.FILLED,
        exchange_order_id=execution.exchange_order_id or "stated by a person",
        client_order_id=execution.client_order_id or "",
        executed_quantity=filled[0],
        average_price=filled[1],
        evidence={"stated": "by a person"},
    )
    return Shown(report=report, reason="Filled, as a person stated")
