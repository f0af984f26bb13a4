"""Followers' accounts: a key goes in, is checked, and never comes out."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response

from copydesk.client.desk import Page
from copydesk.client.fields import Venue as VenueField
from copydesk.client.models import AccountAnswer, AccountChange, CheckAnswer, FindingAnswer, NewAccount
from copydesk.domain.errors import Conflict, FieldError, InvalidInput, NotFound
from copydesk.domain.ids import AccountId, UserId, new_id
from copydesk.domain.subscription import Account, Environment, KeyCheck
from copydesk.domain.user import Role, User
from copydesk.domain.venue import PAPER, VenueName
from copydesk.engine import preflight
from copydesk.engine.preflight import Report, check_key
from copydesk.engine.waiting import take_back_waiting
from copydesk.ports.venue import Venue
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import PageOf, TextFilter, given
from copydesk.web.refusals import refuses

router = APIRouter(prefix="/api/v1/exchange-accounts", tags=["accounts"])

_KEY_IS_TAKEN = refuses(409, "this key is already registered as an account")
_IN_USE = refuses(409, "positions or orders of ours are open on this account: close them first")

HINT_LENGTH = 4

_SECRETS = ("api_key", "api_secret", "api_passphrase", "token", "login", "server")


@router.post("", status_code=201, responses=_KEY_IS_TAKEN, response_description="The account, without its key")
async def create_account(wanted: NewAccount, me: Me, hub: TheHub) -> AccountAnswer:
    """The key is tried at once. One that may withdraw or transfer is refused and not stored; one that does not
    work is stored as refused, and nothing is sent with it until it is changed.
    """
    venue = hub.venues[wanted.venue]
    secrets = _secrets(venue, wanted.venue, wanted)
    _refuse_environment(hub, wanted.venue, wanted.environment)
    _refuse_unchecked(venue, wanted)
    now = hub.clock.now()
    account = Account(
        id=AccountId(new_id(now)),
        owner_id=me.id,
        name=wanted.name,
        venue=wanted.venue,
        environment=wanted.environment,
        is_active=wanted.is_active,
        key_hint=_hint(secrets),
        key_check=KeyCheck.UNCHECKED,
        key_problem=None,
        created_at=now,
        updated_at=now,
    )
    report = await check_key(account, venue, secrets)
    _refuse_forbidden(report, venue)
    verdict = {"key_check": report.key_check, "key_problem": report.key_problem}

    def work(tables: Tables) -> Account:
        tables.accounts.add(account, secrets)
        tables.accounts.change(account, verdict, {}, now)
        details = {"venue": account.venue, "environment": account.environment}
        tables.audit.add(actor=me.id, action="account.create", subject=account.id, details=details, at=now)
        return own_account(tables, account.id, me)

    return AccountAnswer.model_validate(await hub.store.write(work))


@router.get("", response_description="Accounts, newest first")
async def list_accounts(
    me: Me,
    hub: TheHub,
    paging: PageOf,
    name: TextFilter = None,
    venue: Annotated[VenueField | None, Query()] = None,
    environment: Annotated[Environment | None, Query()] = None,
    is_active: Annotated[bool | None, Query()] = None,
    key_check: Annotated[KeyCheck | None, Query()] = None,
) -> Page[AccountAnswer]:
    """One's own accounts; an admin sees everybody's."""
    filters = given(name=name, venue=venue, environment=environment, is_active=is_active, key_check=key_check)
    owner = _owner(me)
    found, following = await hub.store.read(
        lambda tables: tables.accounts.list(filters, owner_id=owner, limit=paging.limit, cursor=paging.cursor),
    )
    total = (
        await hub.store.read(lambda tables: tables.accounts.count(filters, owner_id=owner)) if paging.total else None
    )
    return Page(items=[AccountAnswer.model_validate(one) for one in found], next=following, total=total)


@router.get("/{account_id}", response_description="The account, without its key")
async def get_account(account_id: str, me: Me, hub: TheHub) -> AccountAnswer:
    """One's own; an admin sees everybody's."""
    return AccountAnswer.model_validate(await hub.store.read(lambda tables: own_account(tables, account_id, me)))


@router.patch("/{account_id}", responses=_KEY_IS_TAKEN, response_description="The account as it is now")
async def change_account(account_id: str, wanted: AccountChange, me: Me, hub: TheHub) -> AccountAnswer:
    """A new key needs both its parts, and is tried like the first. What waits at the terminal of one that is switched off is taken
    back.
    """
    account = await hub.store.read(lambda tables: own_account(tables, account_id, me))
    changes = wanted.told()
    key = {part: changes.pop(part, None) for part in _SECRETS}
    secrets: dict[str, str] = {}
    if any(part is not None for part in key.values()):
        venue = hub.venue(account)
        secrets = _secrets(venue, account.venue, wanted)
        report = await check_key(account, venue, secrets)
        _refuse_forbidden(report, venue)
        changes |= {"key_hint": _hint(secrets), "key_check": report.key_check, "key_problem": report.key_problem}
    now = hub.clock.now()

    def work(tables: Tables) -> Account:
        tables.accounts.change(account, changes, secrets, now)
        if secrets:
            tables.accounts.forget_preparations(account.id)
        if changes.get("is_active") is False:
            take_back_waiting(tables, account.id, None, now)
        details = {"fields": sorted([*changes, *secrets])}
        tables.audit.add(actor=me.id, action="account.change", subject=account.id, details=details, at=now)
        return own_account(tables, account_id, me)

    return AccountAnswer.model_validate(await hub.store.write(work))


@router.delete("/{account_id}", status_code=204, responses=_IN_USE, response_description="Gone")
async def delete_account(account_id: str, me: Me, hub: TheHub) -> Response:
    """Its key is erased. Not while something of ours is open there: nobody could close it any more."""
    now = hub.clock.now()

    def work(tables: Tables) -> None:
        account = own_account(tables, account_id, me)
        if tables.accounts.is_in_use(account.id):
            raise Conflict("positions or orders of ours are open on this account: close them first")
        tables.accounts.delete(account.id, now)
        tables.audit.add(actor=me.id, action="account.delete", subject=account.id, details={}, at=now)

    await hub.store.write(work)
    return Response(status_code=204)


@router.post("/{account_id}/check", response_description="What was found, and what to do about it")
async def check_account(account_id: str, me: Me, hub: TheHub) -> CheckAnswer:
    """The pre-flight report: clock, key, balance, open positions; what to do about each that is not ok."""
    account = await hub.store.read(lambda tables: own_account(tables, account_id, me))
    credentials = await hub.store.read(lambda tables: tables.followers.credentials(account.id))
    report = await preflight.check_account(account, hub.venue(account), credentials)
    now = hub.clock.now()
    if report.key_check is not KeyCheck.UNCHECKED or account.key_check is KeyCheck.UNCHECKED:
        verdict = {"key_check": report.key_check, "key_problem": report.key_problem}
        await hub.store.write(lambda tables: tables.accounts.change(account, verdict, {}, now))
    return CheckAnswer(
        ok=report.ok,
        key_check=report.key_check,
        key_problem=report.key_problem,
        checked_at=now,
        findings=[FindingAnswer.model_validate(finding) for finding in report.findings],
    )


def _owner(me: User) -> UserId | None:
    return None if me.role is Role.ADMIN else me.id


def own_account(tables: Tables, account_id: str, me: User) -> Account:
    """Raise NotFound for one that is another's."""
    account = tables.accounts.get(AccountId(account_id), _owner(me))
    if account is None:
        raise NotFound("no such account")
    return account


def _secrets(venue: Venue, name: VenueName, wanted: NewAccount | AccountChange) -> dict[str, str]:
    """What the venue needs, all of it and nothing else."""
    given_parts = {one: str(value) for one in _SECRETS if (value := getattr(wanted, one)) is not None}
    missing = [FieldError(one, f"{name} needs it") for one in venue.traits.credentials if one not in given_parts]
    taken = (*venue.traits.credentials, *venue.traits.may_have)
    stray = [FieldError(one, f"{name} takes none") for one in given_parts if one not in taken]
    wrong = [FieldError("login", problem)] if (problem := _wrong_login(venue, given_parts)) else []
    problems = (*missing, *stray, *wrong)
    if problems and venue.traits.credentials:
        raise InvalidInput("; ".join(f"{one.field}: {one.problem}" for one in problems), problems)
    return {one: given_parts[one] for one in taken if one in given_parts}


def _wrong_login(venue: Venue, given_parts: Mapping[str, str]) -> str | None:
    """At a broker's server it is a number, at Deriv letters and a number."""
    login = given_parts.get("login")
    if login is None or venue.traits.is_terminal == login.isdigit():
        return None
    return "an MT5 login is a number" if venue.traits.is_terminal else "an account's id such as VRTC1234567 is expected"


def _hint(secrets: dict[str, str]) -> str:
    if "server" in secrets:
        return f"{secrets['login']} on {secrets['server']}"
    key = secrets.get("api_key") or secrets.get("token", "")
    return f"…{key[-HINT_LENGTH:]}" if len(key) > 2 * HINT_LENGTH else ""


def _refuse_environment(hub: Hub, venue: VenueName, environment: Environment) -> None:
    if environment is Environment.LIVE and venue != PAPER and not hub.allow_live:
        problem = "live trading is off on this desk (COPYDESK_ALLOW_LIVE): use simulator or demo"
        raise InvalidInput(f"environment: {problem}", (FieldError("environment", problem),))


def _refuse_unchecked(venue: Venue, wanted: NewAccount) -> None:
    """Real money behind a key that nobody can ask about: then its owner has to have looked."""
    if venue.traits.tells_permissions or wanted.environment is not Environment.LIVE or wanted.key_cannot_withdraw:
        return
    problem = f"{wanted.venue} does not tell what a key may do: check that it cannot withdraw, and say so with true"
    raise InvalidInput(f"key_cannot_withdraw: {problem}", (FieldError("key_cannot_withdraw", problem),))


def _refuse_forbidden(report: Report, venue: Venue) -> None:
    if report.forbidden:
        problem, field = report.key_problem or "the key may do too much", venue.traits.credentials[0]
        raise InvalidInput(f"{field}: {problem}", (FieldError(field, problem),), code="key_too_powerful")
