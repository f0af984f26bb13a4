"""The executions of one unit of work, and the journal of their moves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import AccountId, ExecutionId, SignalId, SubscriptionId


class ExecutionTable(Protocol):
    """Executions and the journal of their moves."""

    def add(self, executions: Iterable[Execution], *, note: str | None = None) -> None:
        """Raise StaleWrite where (signal, subscription, leg) exists."""
        ...

    def get(self, execution_id: ExecutionId) -> Execution | None: ...

    def read_ahead(self, executions: Collection[Execution]) -> Sequence[Execution]:
        """Those that there are, as they now are, locked until the transaction ends: each `get` of them then costs nothing, nor
        does asking for the stops and targets of their subscriptions. Those given are as somebody knew them: what nobody moved
        since is not read again.
        """
        ...

    def of_signal(self, signal_id: SignalId) -> Sequence[Execution]: ...

    def is_settled(self, signal_id: SignalId) -> bool:
        """Whether each opening and close of a signal has come to its end."""
        ...

    def legs(
        self, signal_id: SignalId, subscriptions: Collection[SubscriptionId]
    ) -> Collection[tuple[SubscriptionId, str]]:
        """Which legs of a signal these subscriptions have executions of."""
        ...

    def order_ids(self, account_id: AccountId, symbol: str) -> Collection[str]:
        """The venue's ids of every order of ours on an account and symbol."""
        ...

    def unclosed_openings(self, account_id: AccountId, since: datetime) -> Sequence[Execution]:
        """Filled openings frozen from `since` on whose order no filled close names as its own; oldest first."""

    def move(
        self, before: Execution, after: Execution, *, at: datetime, evidence: Mapping[str, object] | None = None
    ) -> Execution:
        """Compare-and-set on the version `before` was read at; raise IllegalMove or StaleWrite."""
        ...

    def in_state(self, states: Iterable[State], *, unmoved_since: datetime | None = None) -> Sequence[Execution]:
        """Oldest look first, at most 1,000; `unmoved_since` leaves out what was moved after that."""
        ...

    def of_client_order(self, client_order_id: str) -> Execution | None:
        """The execution whose latest attempt carries this id."""
        ...

    def to_settle(self, due: datetime) -> Sequence[Execution]:
        """What must be asked about by `due`; at most 1,000.

        Unknown, absent, partial, in review, to be cancelled; and final ones that are looked at once more.
        """
        ...

    def on_accounts(self, accounts: Collection[AccountId]) -> Sequence[Execution]:
        """Those of these accounts that stand at the venue, or may."""
        ...

    def to_poll(self, due: datetime, most: int) -> Sequence[Execution]:
        """Working orders nobody wants cancelled, longest not seen first."""
        ...

    def unsettled(self, accounts: Collection[AccountId], symbol: str) -> Sequence[Execution]:
        """Opens and closes of these accounts on a symbol that are not final, oldest first."""
        ...

    def protections(self, subscription_id: SubscriptionId, symbol: str) -> Sequence[Execution]:
        """Stops and targets of a subscription and symbol that are not final."""
        ...
