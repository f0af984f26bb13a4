"""The pre-flight check of an account: what its key may do, and whether its venue is fit to be sent orders."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from copydesk.domain.errors import CredentialsRefused, VenueError
from copydesk.domain.instrument import plain
from copydesk.domain.subscription import Account, KeyCheck
from copydesk.engine.sessions import CLOCK_UNCERTAINTY_MAX_S
from copydesk.ports.venue import KeyPermissions, Session, Venue

CHECK_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report; `advice` says what to do where it is not ok."""

    name: str
    ok: bool
    detail: str
    advice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdict on the key and every finding behind it."""

    key_check: KeyCheck
    key_problem: str | None
    findings: tuple[Finding, ...]
    forbidden: bool = False

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)


class ForbiddenPermissions(CredentialsRefused):
    """The key could take money out: it is refused whatever else it can do."""


def refuse_permissions(permissions: KeyPermissions) -> None:
    """Raise for a key that may withdraw or transfer, or may not trade."""
    if permissions.forbidden:
        raise ForbiddenPermissions(
            f"the key may do what no follower's key should: {', '.join(permissions.forbidden)}; "
            "make one that can only read and trade",
        )
    if not permissions.can_trade:
        raise CredentialsRefused("the key may not trade: enable trading for it")


async def check_key(account: Account, venue: Venue, credentials: Mapping[str, str]) -> Report:
    """Only what the key may do: one request, for every account that is added."""
    return await _examine(account, venue, credentials, whole=False)


async def check_account(account: Account, venue: Venue, credentials: Mapping[str, str]) -> Report:
    """Ask the venue everything that could later stop an order; never raises for what it answers."""
    return await _examine(account, venue, credentials, whole=True)


async def _examine(account: Account, venue: Venue, credentials: Mapping[str, str], *, whole: bool) -> Report:
    findings: list[Finding] = []
    try:
        session = venue.open_session(account, credentials)
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            if whole:
                findings.append(await _clock(account, venue))
            key_check, problem, forbidden = await _key(session, findings)
            if whole and key_check is not KeyCheck.REFUSED:
                await _holdings(session, findings)
    except (VenueError, TimeoutError) as error:
        problem = str(error) or "no answer in time"
        findings.append(Finding(name="venue", ok=False, detail=problem, advice="Try again when the venue answers."))
        return Report(key_check=KeyCheck.UNCHECKED, key_problem=None, findings=tuple(findings))
    return Report(key_check=key_check, key_problem=problem, findings=tuple(findings), forbidden=forbidden)


async def _clock(account: Account, venue: Venue) -> Finding:
    reading = await venue.read_clock(account.environment)
    offset, uncertainty = round(reading.offset_s * 1000), round(reading.uncertainty_s * 1000)
    return Finding(
        name="clock",
        ok=reading.uncertainty_s <= CLOCK_UNCERTAINTY_MAX_S,
        detail=f"the venue's clock is {offset} ms ahead of ours, ± {uncertainty} ms",
        advice="The way to the venue is too slow to stamp orders safely: check the network.",
    )


async def _key(session: Session, findings: list[Finding]) -> tuple[KeyCheck, str | None, bool]:
    try:
        permissions = await session.permissions()
        refuse_permissions(permissions)
    except CredentialsRefused as error:
        advice = "Make a new key that can read and trade, and nothing else; then change it here."
        findings.append(Finding(name="key", ok=False, detail=error.text, advice=advice))
        return KeyCheck.REFUSED, error.text, isinstance(error, ForbiddenPermissions)
    detail = (
        "reads and trades, cannot withdraw" if permissions.asked else "works; this venue cannot tell what it may do"
    )
    findings.append(Finding(name="key", ok=True, detail=detail))
    return KeyCheck.ACCEPTED if permissions.asked else KeyCheck.UNCHECKED, None, False


async def _holdings(session: Session, findings: list[Finding]) -> None:
    balance = await session.balance()
    findings.append(
        Finding(
            name="balance",
            ok=balance.available_usd > 0,
            detail=f"{plain(round(balance.available_usd, 2))} of {plain(round(balance.total_usd, 2))} USD available",
            advice="Move some money to where it trades: the futures wallet, or the account.",
        ),
    )
    held = await session.positions()
    names = ", ".join(f"{one.symbol} {one.direction} {plain(one.quantity)}" for one in held)
    findings.append(Finding(name="positions", ok=True, detail=names or "none open"))
