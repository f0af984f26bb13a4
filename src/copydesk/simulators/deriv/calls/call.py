"""A request that passed its checks, on its way to the function that answers it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from copydesk.simulators.deriv.calls.fields import Field
from copydesk.simulators.deriv.calls.session import Answer, Hear, Json, Session, Subscription
from copydesk.simulators.deriv.exchange.account import Account
from copydesk.simulators.deriv.exchange.exchange import Exchange
from copydesk.simulators.deriv.exchange.feed import Feed
from copydesk.simulators.deriv.exchange.refusals import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    exchange: Exchange
    session: Session
    request: Json
    now_ms: int

    @property
    def account(self) -> Account:
        """Raises RefusedError when nobody signed in."""
        if self.session.account is None:
            raise RefusedError("AuthorizationRequired")
        return self.session.account

    @property
    def wants_stream(self) -> bool:
        return self.request.get("subscribe") == 1

    def get(self, name: str, default: Any = None) -> Any:
        return self.request.get(name, default)

    def feed(self, code: str) -> Feed:
        """Raises RefusedError for a symbol that is not traded here."""
        feed = self.exchange.feeds.get(code)
        if feed is None:
            raise RefusedError("InvalidSymbol", f"Symbol {code} is invalid.")
        return feed

    def subscribe(
        self, kind: str, key: tuple[Any, ...], hear: Hear, *, is_private: bool = False
    ) -> Subscription | None:
        """None when no stream was asked for."""
        if not self.wants_stream:
            return None
        return self.session.subscribe(kind, key, self.request, hear, is_private=is_private)


def id_of(subscription: Subscription | None) -> str | None:
    return None if subscription is None else subscription.id


def named(subscription: Subscription | None) -> Json:
    """The id as it stands inside the payload."""
    return {} if subscription is None else {"id": subscription.id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``scope``: what the token must be allowed to; None for what anybody may ask."""

    fields: dict[str, Field]
    answer: Callable[[Call], list[Answer]]
    scope: str | None = None
