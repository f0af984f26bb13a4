"""The hub, as a program beside a terminal sees it: who I am there, take this message, this is how the terminal is."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

import httpx
import structlog
from msgspec import Struct
from pydantic import ValidationError

from copydesk.client.api import ApiClient
from copydesk.client.errors import ApiError, SignInNeeded, Throttled, Unavailable
from copydesk.client.models import BotAnswer, WebhookAnswer
from copydesk.client.terminals import TerminalReport
from copydesk.domain.errors import CopydeskError
from copydesk.domain.user import Role
from copydesk.ports.clock import Clock
from copydesk.terminal.journal import Message

log = structlog.get_logger()

T = TypeVar("T")

SIGNED_SOURCES = ("master", "rest")
SIGN_IN_AGAIN_S = 30.0
"""A password that was refused is not tried again sooner: sign-ins are counted."""


class SignInRefused(CopydeskError):
    """The hub does not know this user, or not with this password."""


class NoStanding(CopydeskError):
    """The hub knows the user, and there is nothing that this program may do for them."""


class Accepted(Struct, frozen=True, kw_only=True):
    signal_id: str
    duplicate: bool


class Refused(Struct, frozen=True, kw_only=True):
    """The hub said no to this message; nothing of it is stored. `conflicts`: it contradicts what the hub knows already."""

    reason: str
    conflicts: bool = False
    is_unknown: bool = False


class Later(Struct, frozen=True, kw_only=True):
    """Not now: the message may have arrived. The same one, under its id, is asked about by sending it again."""

    reason: str


class Standing(Struct, frozen=True, kw_only=True):
    """What the hub says about this user: these values count, never those of a local file."""

    username: str
    login: int
    path: str | None
    bot_name: str
    open_freshness_s: int


class Following(Struct, frozen=True, kw_only=True):
    """What the hub says about a follower: the login that is traded, and where its terminal is."""

    username: str
    login: int
    path: str | None


class Access(Struct, frozen=True, kw_only=True):
    """How to get in, and with what messages are signed."""

    url: str
    username: str
    password: str
    signing_secret: str | None = None
    bot_id: str | None = None
    signs_v0: bool = False


class Hub:
    """One signed-in user. Long-lived: an expired token is renewed, and where that fails the user signs in again."""

    def __init__(self, access: Access, clock: Clock, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._access = access
        self._clock = clock
        self._api = ApiClient(access.url, transport=transport)
        self._signed_in_at: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.close()

    async def standing(self) -> Standing | Later:
        """A master's. Raise SignInRefused or NoStanding."""
        return await self._asked(self._standing)

    async def following(self) -> Following | Later:
        """A follower's. Raise SignInRefused or NoStanding."""
        return await self._asked(self._following)

    async def token(self, *, fresh: bool = False) -> str | Later:
        """For a line of its own. Raise SignInRefused."""

        async def ask() -> str:
            found = await self._api.access_token(fresh=fresh)
            if found is None:
                await self._sign_in()
                found = await self._api.access_token()
            return found or ""

        return await self._asked(ask)

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T | Later:
        try:
            if self._signed_in_at is None:
                await self._sign_in()
            return await question()
        except SignInNeeded as error:
            # The session is over (its refresh token too): the next question signs in again.
            self._signed_in_at = None
            return Later(reason=str(error))
        except (httpx.HTTPError, Unavailable, Throttled, ValidationError, ValueError) as error:
            return Later(reason=_said(error))
        except ApiError as error:
            raise NoStanding(f"the hub refuses {self._access.username}: {error}") from error

    async def post(self, message: Message) -> Accepted | Refused | Later:
        """Signed anew each time: a signature is good for a minute."""
        try:
            answer = await self._post(message)
        except SignInNeeded as error:
            return await self._post_signed_in(message, error)
        except (httpx.HTTPError, ApiError, ValidationError, ValueError) as error:
            return _not_taken(error)
        return _taken(answer)

    async def report(self, report: TerminalReport) -> Later | None:
        """How the terminal is; the next report says it again, so a lost one is no harm."""
        try:
            await self._api.report_terminal(report)
        except (httpx.HTTPError, ApiError, ValidationError) as error:
            return Later(reason=_said(error))
        return None

    async def _post_signed_in(self, message: Message, refused: SignInNeeded) -> Accepted | Refused | Later:
        """401 is a token that ran out, or a signature: only signing in again tells which."""
        told = Later(reason=f"the hub does not accept the sign-in or the signature: {refused}")
        if self._signed_in_at is not None and self._clock.elapsed() - self._signed_in_at < SIGN_IN_AGAIN_S:
            return told
        try:
            await self._sign_in()
            return _taken(await self._post(message))
        except (SignInNeeded, SignInRefused):
            return told
        except (httpx.HTTPError, ApiError, ValidationError, ValueError) as error:
            return _not_taken(error)

    async def _post(self, message: Message) -> WebhookAnswer:
        if self._access.signs_v0:
            return await self._api.send_signed_by_token(message.route, message.body)
        if self._access.signing_secret is None:
            raise NoStanding("there is no signing secret")
        return await self._api.send_signed(
            message.route, self._access.signing_secret, message.body, message_id=message.id
        )

    async def _sign_in(self) -> None:
        self._signed_in_at = self._clock.elapsed()
        try:
            await self._api.sign_in(self._access.username, self._access.password)
        except SignInNeeded as error:
            self._signed_in_at = None
            raise SignInRefused(f"the hub does not let {self._access.username} in: {error}") from error
        except (httpx.HTTPError, ApiError):
            self._signed_in_at = None
            raise

    async def _following(self) -> Following:
        profile = await self._api.profile()
        if profile.allowed_mt5_id is None:
            raise NoStanding(
                f"the hub does not say which MT5 login {profile.username} may trade from: an admin sets allowed_mt5_id"
            )
        return Following(username=profile.username, login=profile.allowed_mt5_id, path=profile.mt5_path or None)

    async def _standing(self) -> Standing:
        profile = await self._api.profile()
        bot = await self._bot(profile.role)
        if profile.allowed_mt5_id is None:
            raise NoStanding(
                f"the hub does not say which MT5 login {profile.username} may send from: an admin sets allowed_mt5_id"
            )
        return Standing(
            username=profile.username,
            login=profile.allowed_mt5_id,
            path=profile.mt5_path or None,
            bot_name=bot.name,
            open_freshness_s=bot.open_freshness_s,
        )

    async def _bot(self, role: Role) -> BotAnswer:
        """The one that is named, else the user's own. An admin sees everybody's: of those the strictest counts."""
        if self._access.bot_id is not None:
            return await self._api.bot(self._access.bot_id)
        seen = [one for source in SIGNED_SOURCES for one in await self._api.bots(source=source)]
        # Whose path is told is one's own: of others' bots it is hidden.
        own = [one for one in seen if one.master_webhook_path is not None and one.status != "archived"]
        if not own:
            raise NoStanding(
                f"{self._access.username} has no bot of source master: make one first, or name it (bot_id)"
            )
        if len(own) > 1 and role is not Role.ADMIN:
            listed = ", ".join(f"{one.id} ({one.name})" for one in own)
            raise NoStanding(
                f"{self._access.username} has several bots that take signed signals, name one (bot_id): {listed}"
            )
        return min(own, key=lambda one: one.open_freshness_s)


def _taken(answer: WebhookAnswer) -> Accepted:
    return Accepted(signal_id=answer.signal_id, duplicate=answer.duplicate)


def _not_taken(error: Exception) -> Refused | Later:
    """Only the hub's own clear no (4xx) is a refusal; everything else may have arrived."""
    if isinstance(error, ApiError) and not isinstance(error, Unavailable | Throttled) and error.code != "http_error":
        conflict, missing = httpx.codes.CONFLICT, httpx.codes.NOT_FOUND
        return Refused(reason=str(error), conflicts=error.status == conflict, is_unknown=error.status == missing)
    return Later(reason=_said(error))


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
