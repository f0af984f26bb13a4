"""Everybody who is connected: events become messages here, and time passes for the exchange."""

from dataclasses import dataclass, field

from copydesk.simulators.deriv.calls.reply import write
from copydesk.simulators.deriv.calls.session import Session
from copydesk.simulators.deriv.edge.connection import Connection
from copydesk.simulators.deriv.edge.faults import Faults
from copydesk.simulators.deriv.exchange.exchange import Exchange

IDLE_MAX_MS = 120_000  # facts §5.2: idle sessions are closed after two minutes


@dataclass(slots=True, eq=False)
class Client:
    """``active_ms``: when something was last said, by either side. ``held``: a message that the next one overtakes."""

    connection: Connection
    session: Session
    active_ms: int
    held: bytes | None = None

    @property
    def token(self) -> str | None:
        return None if self.session.account is None else self.session.account.token


@dataclass(slots=True)
class Hub:
    exchange: Exchange
    faults: Faults
    clients: list[Client] = field(default_factory=list)

    def catch_up(self, now_ms: int) -> None:
        """Live through the seconds that are due, and tell each one's events before the next."""
        for _ in self.exchange.advance(now_ms):
            self.flush(now_ms)
        self.flush(now_ms)

    def flush(self, now_ms: int) -> None:
        while self.exchange.events:
            event = self.exchange.events.popleft()
            for client in list(self.clients):
                for subscription, answer in client.session.hear(event):
                    client.active_ms = now_ms
                    self._deliver(client, answer.name, write(subscription.request, answer, client.session.dialect))

    def end_idle(self, now_ms: int) -> None:
        for client in self.clients:
            if now_ms - client.active_ms >= IDLE_MAX_MS:
                client.connection.leave()

    def cut(self, token: str | None) -> None:
        """Drop the connections of one account, or all of them."""
        for client in self.clients:
            if token in {None, client.token}:
                client.connection.cut()

    def _deliver(self, client: Client, name: str, frame: bytes) -> None:
        struck = self.faults.hit_message(name, client.token)
        if "stream_disconnect" in struck:
            client.connection.cut()
            return
        if "reordered_event" in struck and client.held is None:
            client.held = frame
            return
        client.connection.push(frame)
        if "duplicate_event" in struck:
            client.connection.push(frame)
        if client.held is not None:
            client.connection.push(client.held)
            client.held = None
