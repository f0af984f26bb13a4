"""One connection: who signed in on it, what it was offered, what it listens to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from copydesk.simulators.deriv.calls.dialect import LEGACY, Dialect
from copydesk.simulators.deriv.exchange.account import Account
from copydesk.simulators.deriv.exchange.exchange import Event
from copydesk.simulators.deriv.exchange.refusals import RefusedError
from copydesk.simulators.deriv.exchange.terms import Terms

Json = dict[str, Any]
SUBSCRIPTIONS_MAX = 100
_PROPOSALS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``content`` stands under ``name``, which is also the message's type; ``beside`` stands next to it."""

    name: str
    content: Any
    beside: Json = field(default_factory=dict)
    subscription: str | None = None


Hear = Callable[[Event, "Subscription"], Iterator[Answer]]


@dataclass(slots=True, eq=False, kw_only=True)
class Subscription:
    """``kind``: its name in `forget_all`; ``hear``: what it says to an event; ``is_private``: it ends with the sign-in."""

    id: str
    kind: str
    key: tuple[Any, ...]
    request: Json
    hear: Hear
    is_private: bool
    is_over: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Session:
    """``new_id``: makes the ids of subscriptions and proposals."""

    app_id: int
    new_id: Callable[[], UUID]
    dialect: Dialect = LEGACY
    account: Account | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    proposals: dict[str, Terms] = field(default_factory=dict)

    def subscribe(
        self, kind: str, key: tuple[Any, ...], request: Json, hear: Hear, *, is_private: bool = False
    ) -> Subscription:
        """Raises RefusedError when it is there already or there are too many."""
        self.expect_new(key)
        subscription = Subscription(
            id=str(self.new_id()), kind=kind, key=key, request=request, hear=hear, is_private=is_private
        )
        self.subscriptions[subscription.id] = subscription
        return subscription

    def expect_new(self, *keys: tuple[Any, ...]) -> None:
        """Raises RefusedError when one of these streams is there already, or there would be too many."""
        known = {each.key for each in self.subscriptions.values()}
        for key in keys:
            if key in known:
                raise RefusedError("AlreadySubscribed", f"You are already subscribed to {key[-1] or key[0]}.")
        if len(known) + len(keys) > SUBSCRIPTIONS_MAX:
            raise RefusedError("RateLimit", f"You have reached the limit of {SUBSCRIPTIONS_MAX} subscriptions.")

    def forget(self, id: str) -> bool:
        self.proposals.pop(id, None)
        return self.subscriptions.pop(id, None) is not None

    def sign_in(self, account: Account | None) -> None:
        """What the one before listened to ends."""
        if account is not self.account:
            for each in [each for each in self.subscriptions.values() if each.is_private]:
                self.forget(each.id)
        self.account = account

    def offer(self, id: str, terms: Terms) -> None:
        """Of too many, the oldest is withdrawn."""
        self.proposals[id] = terms
        if len(self.proposals) > _PROPOSALS_MAX:
            del self.proposals[next(iter(self.proposals))]

    def hear(self, event: Event) -> Iterator[tuple[Subscription, Answer]]:
        for subscription in list(self.subscriptions.values()):
            for answer in subscription.hear(event, subscription):
                yield subscription, answer
            if subscription.is_over:
                self.forget(subscription.id)
