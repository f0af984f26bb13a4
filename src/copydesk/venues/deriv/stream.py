"""What happens on accounts, as their own connections tell it: contracts that end, and which ones are open at all."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from functools import partial

import structlog

from copydesk.domain.errors import CredentialsRefused, OutcomeUnknown, VenueError, VenueUnavailable
from copydesk.domain.ids import AccountId
from copydesk.ports.clock import Clock
from copydesk.ports.venue import ContractEnded, ContractsHeld, StreamOpened
from copydesk.venues.deriv.codec import Booking
from copydesk.venues.deriv.connection import QUIET_S
from copydesk.venues.deriv.session import DerivSession

log = structlog.get_logger()

TOLD_MAX = 10_000
"""Bookings that may wait to be heard; with more of them something is missed, and all is asked about anew."""

OPENING_AT_ONCE = 5

LOOK_EVERY_S = QUIET_S / 2

_Told = asyncio.Queue[tuple[AccountId, Booking | None]]


async def listen(
    sessions: Mapping[AccountId, DerivSession], clock: Clock
) -> AsyncGenerator[StreamOpened | ContractsHeld | ContractEnded, None]:
    """Until one of the connections ends, which is a VenueError; an account whose token is refused is left out."""
    told: _Told = asyncio.Queue(TOLD_MAX)
    with ExitStack() as stack:
        for account_id, session in sessions.items():
            listener = partial(_note, told, account_id)
            session.listeners.add(listener)
            stack.callback(session.listeners.discard, listener)
        asked_at = clock.now()
        held = await _open(sessions)
        if not held:
            raise VenueUnavailable("none of these accounts has a stream")
        yield StreamOpened(accounts=frozenset(held))
        for account_id, contracts in held.items():
            yield ContractsHeld(account_id=account_id, contract_ids=contracts, asked_at=asked_at)
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    account_id, booking = await told.get()
            except TimeoutError:
                await _keep_alive([sessions[one] for one in held])
                continue
            if booking is None:
                raise VenueUnavailable("a connection to Deriv has ended")
            if booking.action == "sell":
                yield ContractEnded(account_id=account_id, contract_id=booking.contract_id)


def _note(told: _Told, account_id: AccountId, booking: Booking | None) -> None:
    if told.full():
        told.get_nowait()
        booking = None
    told.put_nowait((account_id, booking))


async def _open(sessions: Mapping[AccountId, DerivSession]) -> Mapping[AccountId, frozenset[str]]:
    """The open contracts of those who are heard, a few accounts at a time; raise what went wrong, unless it is one's own token."""
    held: dict[AccountId, frozenset[str]] = {}
    failures: list[VenueError] = []
    places = asyncio.Semaphore(OPENING_AT_ONCE)

    async def open_one(account_id: AccountId, session: DerivSession) -> None:
        async with places:
            try:
                if not failures:
                    held[account_id] = frozenset(one.contract_id for one in await session.open_contracts())
            except CredentialsRefused as error:
                log.warning("no stream for this account", account_id=account_id, problem=error.text)
            except VenueError as error:
                failures.append(error)

    async with asyncio.TaskGroup() as group:
        for account_id, session in sessions.items():
            group.create_task(open_one(account_id, session))
    if failures:
        raise failures[0]
    return held


async def _keep_alive(sessions: list[DerivSession]) -> None:
    for session in sessions:
        try:
            await session.keep_alive()
        except OutcomeUnknown as error:
            raise VenueUnavailable(error.text) from error
