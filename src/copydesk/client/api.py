"""A small typed client of the HTTP API: signs in, renews its token, waits when it is told to.

async with ApiClient("http://127.0.0.1:8000") as api:
    await api.sign_in("ada", "her password")
    for bot in await api.bots():
        print(bot.name, bot.default_leverage)
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter

from copydesk.client.fields import Answer, Request
from copydesk.client.models import (
    AccountAnswer,
    BotAnswer,
    CheckAnswer,
    ExecutionAnswer,
    HealthAnswer,
    NewAccount,
    NewBot,
    NewSubscription,
    NewUser,
    Profile,
    SignalAnswer,
    SubscriptionAnswer,
    TokenAnswer,
    UserAnswer,
    WebhookAnswer,
)

T = TypeVar("T", bound=Answer)

TIMEOUT_S = 20.0
TRIES_WHEN_BUSY = 20
PAGE = 500


class ApiError(Exception):
    """The API said no; `status` and `code` are its own words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ApiClient:
    """One signed-in user. Requests that were throttled (429) are sent again when the API says so, others never."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S, transport=transport)
        self._tokens: TokenAnswer | None = None
        self._renewing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def sign_in(self, username: str, password: str) -> TokenAnswer:
        answer = await self._send("POST", "/token", json={"username": username, "password": password})
        self._tokens = TokenAnswer.model_validate_json(answer.content)
        return self._tokens

    async def sign_out(self) -> None:
        """End this session on the server too."""
        if self._tokens is not None:
            await self._send("POST", "/logout", json={"refresh_token": self._tokens.refresh_token})
            self._tokens = None

    async def profile(self) -> Profile:
        return await self._one(Profile, "GET", "/users/me")

    async def health(self) -> HealthAnswer:
        return await self._one(HealthAnswer, "GET", "/api/v1/bots/health")

    async def create_user(self, wanted: NewUser) -> UserAnswer:
        return await self._one(UserAnswer, "POST", "/api/v1/users", wanted)

    async def create_bot(self, wanted: NewBot) -> BotAnswer:
        return await self._one(BotAnswer, "POST", "/api/v1/bots", wanted)

    async def bots(self, **filters: str) -> list[BotAnswer]:
        return await self._all(BotAnswer, "/api/v1/bots", filters)

    async def create_account(self, wanted: NewAccount) -> AccountAnswer:
        return await self._one(AccountAnswer, "POST", "/api/v1/exchange-accounts", wanted)

    async def accounts(self, **filters: str) -> list[AccountAnswer]:
        return await self._all(AccountAnswer, "/api/v1/exchange-accounts", filters)

    async def check_account(self, account_id: str) -> CheckAnswer:
        return await self._one(CheckAnswer, "POST", f"/api/v1/exchange-accounts/{account_id}/check")

    async def subscribe(self, wanted: NewSubscription) -> SubscriptionAnswer:
        return await self._one(SubscriptionAnswer, "POST", "/api/v1/bot-subscriptions", wanted)

    async def subscriptions(self, **filters: str) -> list[SubscriptionAnswer]:
        return await self._all(SubscriptionAnswer, "/api/v1/bot-subscriptions", filters)

    async def signals(self, *, most: int | None = None, **filters: str) -> list[SignalAnswer]:
        return await self._all(SignalAnswer, "/api/v1/bot-signals", filters, most)

    async def signal(self, signal_id: str) -> SignalAnswer:
        return await self._one(SignalAnswer, "GET", f"/api/v1/bot-signals/{signal_id}")

    async def executions(self, *, most: int | None = None, **filters: str) -> list[ExecutionAnswer]:
        return await self._all(ExecutionAnswer, "/api/v1/bot-signal-executions", filters, most)

    async def alert(self, webhook_url: str, message: dict[str, Any], *, wait_s: float = 0) -> WebhookAnswer:
        """Fire a bot's webhook as TradingView would; the secret is in the message."""
        answer = await self._send("POST", webhook_url, json=message, params={"wait": wait_s} if wait_s else None)
        return WebhookAnswer.model_validate_json(answer.content)

    async def _one(self, kind: type[T], method: str, path: str, wanted: Request | None = None) -> T:
        body = None if wanted is None else wanted.model_dump(mode="json", exclude_none=True, by_alias=True)
        answer = await self._send(method, path, json=body)
        return kind.model_validate_json(answer.content)

    async def _all(self, kind: type[T], path: str, filters: dict[str, str], most: int | None = None) -> list[T]:
        adapter = TypeAdapter(list[kind])  # type: ignore[valid-type]
        found: list[T] = []
        cursor: str | None = None
        while most is None or len(found) < most:
            limit = PAGE if most is None else min(PAGE, most - len(found))
            params = {**filters, "limit": str(limit)} | ({"cursor": cursor} if cursor else {})
            page = (await self._send("GET", path, params=params)).json()
            found += adapter.validate_python(page["items"])
            cursor = page["next"]
            if cursor is None:
                break
        return found

    async def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        for _ in range(TRIES_WHEN_BUSY):
            token = None if self._tokens is None else self._tokens.access_token
            answer = await self._http.request(method, path, headers=self._headers(), **content)
            if answer.status_code == httpx.codes.UNAUTHORIZED and path != "/token" and await self._renew(token):
                continue
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(float(answer.headers.get("retry-after", "1")))  # noqa: TID251  a program of its own
        if answer.is_success:
            return answer
        raise _read_error(answer)

    async def _renew(self, refused: str | None) -> bool:
        """One renewal for all requests that were refused with the same token; a failed one leaves the tokens alone."""
        async with self._renewing:
            if self._tokens is None or refused is None:
                return False
            if self._tokens.access_token != refused:
                return True
            wanted = {"refresh_token": self._tokens.refresh_token}
            answer = await self._http.post("/token/refresh", json=wanted)
            if answer.is_success:
                self._tokens = TokenAnswer.model_validate_json(answer.content)
            return answer.is_success

    def _headers(self) -> dict[str, str]:
        return {} if self._tokens is None else {"Authorization": f"Bearer {self._tokens.access_token}"}


@asynccontextmanager
async def signed_in(base_url: str, username: str, password: str) -> AsyncIterator[ApiClient]:
    """A client that is signed in already."""
    async with ApiClient(base_url) as api:
        await api.sign_in(username, password)
        yield api


def _read_error(answer: httpx.Response) -> ApiError:
    try:
        error = answer.json()["error"]
        return ApiError(answer.status_code, error["code"], error["message"])
    except (ValueError, KeyError, TypeError):
        return ApiError(answer.status_code, "http_error", f"HTTP {answer.status_code}")
