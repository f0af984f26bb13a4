"""Under the client: one user's tokens, and requests that are sent again only when the API asked for patience."""

import asyncio
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter

from copydesk.client.desk import Page
from copydesk.client.errors import read_error
from copydesk.client.fields import Answer, Request
from copydesk.client.people import TokenAnswer

T = TypeVar("T", bound=Answer)

TIMEOUT_S = 20.0
TRIES_WHEN_BUSY = 20
PATIENCE_S = 30.0
"""A longer wait (after many failed sign-ins it is minutes) is for people to decide."""

PAGE = 500

Filter = str | int | bool


class Connection:
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
        answer = await self.send("POST", "/token", json={"username": username, "password": password})
        self._tokens = TokenAnswer.model_validate_json(answer.content)
        return self._tokens

    async def access_token(self, *, fresh: bool = False) -> str | None:
        """For what is not asked over HTTP; None where nobody is signed in, or a fresh one was refused."""
        if self._tokens is not None and fresh and not await self._renew(self._tokens.access_token):
            return None
        return None if self._tokens is None else self._tokens.access_token

    async def sign_out(self) -> None:
        """End this session on the server too."""
        if self._tokens is not None:
            await self.send("POST", "/logout", json={"refresh_token": self._tokens.refresh_token})
            self._tokens = None

    async def ask(self, kind: type[T], method: str, path: str, wanted: Request | None = None) -> T:
        """The answer to one request. Only what was told is sent: null is a wish of its own."""
        body = None if wanted is None else wanted.model_dump(mode="json", exclude_unset=True, by_alias=True)
        answer = await self.send(method, path, json=body)
        return kind.model_validate_json(answer.content)

    async def read_all(
        self, kind: type[T], path: str, filters: Mapping[str, Filter], most: int | None = None
    ) -> list[T]:
        """Every page of a list, newest first, or the newest `most`."""
        found: list[T] = []
        cursor: str | None = None
        while most is None or len(found) < most:
            limit = PAGE if most is None else min(PAGE, most - len(found))
            params = {**filters, "limit": limit} | ({"cursor": cursor} if cursor else {})
            page = _page_of(kind).validate_json((await self.send("GET", path, params=params)).content)
            found += page.items
            cursor = page.next
            if cursor is None:
                break
        return found

    async def read_page(self, kind: type[T], path: str) -> list[T]:
        """A list that has one page."""
        return list(_page_of(kind).validate_json((await self.send("GET", path)).content).items)

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        """A success, or raise one of ApiError's kinds."""
        for _ in range(TRIES_WHEN_BUSY):
            token = None if self._tokens is None else self._tokens.access_token
            answer = await self._http.request(method, path, headers={**self._headers(), **(headers or {})}, **content)
            if answer.status_code == httpx.codes.UNAUTHORIZED and path != "/token" and await self._renew(token):
                continue
            wait_s = float(answer.headers.get("retry-after", "1"))
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or wait_s > PATIENCE_S:
                break
            await asyncio.sleep(wait_s)  # noqa: TID251  a program of its own
        if answer.is_success:
            return answer
        raise read_error(answer)

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


@cache
def _page_of(kind: type[T]) -> TypeAdapter[Page[T]]:
    """Building one costs more than reading a short list with it."""
    return TypeAdapter(Page[kind])  # type: ignore[valid-type]
