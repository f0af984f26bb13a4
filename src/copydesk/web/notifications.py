"""What somebody is told of, and where: their addresses go in and never come out."""

import asyncio
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter

from copydesk.client.notifications import (
    DestinationAnswer,
    NotificationsAnswer,
    NotificationsWish,
    NotificationTestAnswer,
    QuietHoursAnswer,
    QuietHoursWish,
    TestedAnswer,
)
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.notice import Choices, Destination, QuietHours
from copydesk.domain.user import User
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub, Me, TheHub

router = APIRouter(prefix="/users/me/notifications", tags=["users"])


@router.get("", response_description="What is wanted, and where")
async def notifications(me: Me, hub: TheHub) -> NotificationsAnswer:
    """Of each address only its scheme and a hint."""
    return await hub.store.read(lambda tables: _answer(tables, me))


@router.put("", response_description="As it is from now on")
async def set_notifications(wanted: NotificationsWish, me: Me, hub: TheHub) -> NotificationsAnswer:
    """An address that cannot be sent to, or that leads inside, is refused."""
    choices = Choices(kinds=frozenset(wanted.kinds), quiet_hours=_quiet_hours(wanted.quiet_hours))
    addresses = None if wanted.addresses is None else await _read(hub, wanted.addresses)
    now = hub.clock.now()

    def work(tables: Tables) -> NotificationsAnswer:
        tables.notices.save(me.id, choices, addresses, now)
        details = {"addresses": None if addresses is None else [shown.scheme for shown, _ in addresses]}
        tables.audit.add(actor=me.id, action="user.notifications", subject=me.id, details=details, at=now)
        return _answer(tables, me)

    return await hub.store.write(work)


@router.post("/test", response_description="What became of each message")
async def test_notifications(me: Me, hub: TheHub) -> NotificationTestAnswer:
    """A message to each address, now; the answer says what became of each."""
    hub.limits.tests.take(me.id, hub.clock.now())
    shown, addresses = await hub.store.read(
        lambda tables: (tables.notices.destinations(me.id), tables.notices.addresses(me.id))
    )
    if not addresses:
        problem = "there is none yet: PUT /users/me/notifications"
        raise InvalidInput(f"addresses: {problem}", (FieldError("addresses", problem),))
    body = f"This is a test. {me.username} is told here what the desk has to tell."
    problems = await asyncio.gather(
        *(hub.notifier.send(address, title="copydesk: a test", body=body) for address in addresses)
    )
    results = [
        TestedAnswer(scheme=one.scheme, hint=one.hint, sent=problem is None, problem=problem)
        for one, problem in zip(shown, problems, strict=True)
    ]
    return NotificationTestAnswer(success=all(one.sent for one in results), results=results)


def _answer(tables: Tables, me: User) -> NotificationsAnswer:
    choices = tables.notices.wanted(me.id)
    quiet = choices.quiet_hours
    return NotificationsAnswer(
        addresses=[DestinationAnswer.model_validate(one) for one in tables.notices.destinations(me.id)],
        kinds=sorted(choices.kinds),
        quiet_hours=None if quiet is None else QuietHoursAnswer.model_validate(quiet),
    )


def _quiet_hours(wanted: QuietHoursWish | None) -> QuietHours | None:
    if wanted is None:
        return None
    try:
        ZoneInfo(wanted.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _refusal("quiet_hours.time_zone", "no such time zone: one like Europe/Lisbon or UTC") from error
    if wanted.start.tzinfo is not None or wanted.end.tzinfo is not None:
        raise _refusal("quiet_hours", "times are by the clock of the time zone: without an offset")
    return QuietHours(start=wanted.start, end=wanted.end, time_zone=wanted.time_zone)


async def _read(hub: Hub, addresses: list[str]) -> list[tuple[Destination, str]]:
    """Raise InvalidInput that names the address by its place in the list."""
    found = []
    for place, address in enumerate(addresses):
        try:
            found.append((await hub.notifier.read(address), address))
        except InvalidInput as error:
            raise _refusal(f"addresses.{place}", error.fields[0].problem) from None
    return found


def _refusal(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field}: {problem}", (FieldError(field, problem),))
