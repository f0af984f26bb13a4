"""A small typed client of the HTTP API: signs in, renews its token, waits when it is told to.

async with signed_in("http://127.0.0.1:8000", "ada", "her password") as api:
    for bot in await api.bots(status="active"):
        print(bot.name, bot.default_leverage)
"""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from copydesk.client.breaker import BreakerAnswer, BreakerWish, PulledAnswer
from copydesk.client.connection import Filter
from copydesk.client.desk import AliveAnswer, AuditAnswer, HealthAnswer, ReadyAnswer
from copydesk.client.leaderboard import BotResultAnswer, LeaderboardAnswer, TrialSignal
from copydesk.client.models import (
    AccountAnswer,
    AccountChange,
    BotAnswer,
    BotChange,
    CheckAnswer,
    ExecutionAnswer,
    NewAccount,
    NewBot,
    NewSecret,
    NewSubscription,
    RotateSecret,
    SignalAnswer,
    SubscriptionAnswer,
    SubscriptionChange,
    WebhookAnswer,
)
from copydesk.client.notifications import NotificationsAnswer, NotificationsWish, NotificationTestAnswer
from copydesk.client.operations import AuditVerification, BackupAnswer, BackupsAnswer, LogAnswer
from copydesk.client.overview import AlertAnswer, DeskAnswer, GlanceAnswer, PositionAnswer, TodayAnswer
from copydesk.client.people import NewUser, Profile, UserAnswer, UserChange, UserConfig, UserConfigChange
from copydesk.client.preview import PreviewAnswer, PreviewWish
from copydesk.client.results import AccountBook, AccountResults
from copydesk.client.strategy_desk import StrategyDesk
from copydesk.client.terminals import TerminalAnswer, TerminalReport, TerminalsAnswer
from copydesk.domain.signing import sign_v0, sign_v1
from copydesk.ports.clock import SystemClock

USERS = "/api/v1/users"
BOTS = "/api/v1/bots"
ACCOUNTS = "/api/v1/exchange-accounts"
SUBSCRIPTIONS = "/api/v1/bot-subscriptions"
SIGNALS = "/api/v1/bot-signals"
EXECUTIONS = "/api/v1/bot-signal-executions"
TERMINALS = "/mt5/status"
NOTIFICATIONS = "/users/me/notifications"


class ApiClient(StrategyDesk):
    """One signed-in user; a method a route. Lists read all pages, or the newest `most`; filters are named like fields.

    Raise one of ApiError's kinds where the API says no, httpx.HTTPError where it does not answer.
    """

    async def profile(self) -> Profile:
        return await self.ask(Profile, "GET", "/users/me")

    async def config(self) -> UserConfig:
        return await self.ask(UserConfig, "GET", "/users/me/config")

    async def change_config(self, wanted: UserConfigChange) -> UserConfig:
        return await self.ask(UserConfig, "POST", "/users/config", wanted)

    async def create_user(self, wanted: NewUser) -> UserAnswer:
        return await self.ask(UserAnswer, "POST", USERS, wanted)

    async def users(self, *, most: int | None = None, **filters: Filter) -> list[UserAnswer]:
        return await self.read_all(UserAnswer, USERS, filters, most)

    async def user(self, user_id: str) -> UserAnswer:
        return await self.ask(UserAnswer, "GET", f"{USERS}/{user_id}")

    async def change_user(self, user_id: str, wanted: UserChange) -> UserAnswer:
        return await self.ask(UserAnswer, "PATCH", f"{USERS}/{user_id}", wanted)

    async def create_bot(self, wanted: NewBot) -> BotAnswer:
        return await self.ask(BotAnswer, "POST", BOTS, wanted)

    async def bots(self, *, most: int | None = None, **filters: Filter) -> list[BotAnswer]:
        return await self.read_all(BotAnswer, BOTS, filters, most)

    async def bot(self, bot_id: str) -> BotAnswer:
        return await self.ask(BotAnswer, "GET", f"{BOTS}/{bot_id}")

    async def change_bot(self, bot_id: str, wanted: BotChange) -> BotAnswer:
        return await self.ask(BotAnswer, "PATCH", f"{BOTS}/{bot_id}", wanted)

    async def archive_bot(self, bot_id: str) -> None:
        await self.send("DELETE", f"{BOTS}/{bot_id}")

    async def rotate_secret(self, bot_id: str, wanted: RotateSecret | None = None) -> NewSecret:
        return await self.ask(NewSecret, "POST", f"{BOTS}/{bot_id}/rotate-secret", wanted or RotateSecret())

    async def create_account(self, wanted: NewAccount) -> AccountAnswer:
        return await self.ask(AccountAnswer, "POST", ACCOUNTS, wanted)

    async def accounts(self, *, most: int | None = None, **filters: Filter) -> list[AccountAnswer]:
        return await self.read_all(AccountAnswer, ACCOUNTS, filters, most)

    async def account(self, account_id: str) -> AccountAnswer:
        return await self.ask(AccountAnswer, "GET", f"{ACCOUNTS}/{account_id}")

    async def change_account(self, account_id: str, wanted: AccountChange) -> AccountAnswer:
        return await self.ask(AccountAnswer, "PATCH", f"{ACCOUNTS}/{account_id}", wanted)

    async def delete_account(self, account_id: str) -> None:
        await self.send("DELETE", f"{ACCOUNTS}/{account_id}")

    async def check_account(self, account_id: str) -> CheckAnswer:
        return await self.ask(CheckAnswer, "POST", f"{ACCOUNTS}/{account_id}/check")

    async def account_book(self, account_id: str, *, at_venue: bool = False) -> AccountBook:
        """What an account holds and waits for; `at_venue` asks its venue for the balance and prices too."""
        answer = await self.send("GET", f"{ACCOUNTS}/{account_id}/book", params={"at_venue": at_venue})
        return AccountBook.model_validate_json(answer.content)

    async def account_results(self, account_id: str) -> AccountResults:
        return await self.ask(AccountResults, "GET", f"{ACCOUNTS}/{account_id}/results")

    async def subscribe(self, wanted: NewSubscription) -> SubscriptionAnswer:
        return await self.ask(SubscriptionAnswer, "POST", SUBSCRIPTIONS, wanted)

    async def preview(self, wanted: PreviewWish) -> PreviewAnswer:
        """What the bot's last signals would have done; nothing is stored."""
        return await self.ask(PreviewAnswer, "POST", f"{SUBSCRIPTIONS}/preview", wanted)

    async def subscriptions(self, *, most: int | None = None, **filters: Filter) -> list[SubscriptionAnswer]:
        return await self.read_all(SubscriptionAnswer, SUBSCRIPTIONS, filters, most)

    async def subscription(self, subscription_id: str) -> SubscriptionAnswer:
        return await self.ask(SubscriptionAnswer, "GET", f"{SUBSCRIPTIONS}/{subscription_id}")

    async def change_subscription(self, subscription_id: str, wanted: SubscriptionChange) -> SubscriptionAnswer:
        return await self.ask(SubscriptionAnswer, "PATCH", f"{SUBSCRIPTIONS}/{subscription_id}", wanted)

    async def unsubscribe(self, subscription_id: str) -> None:
        await self.send("DELETE", f"{SUBSCRIPTIONS}/{subscription_id}")

    async def signals(self, *, most: int | None = None, **filters: Filter) -> list[SignalAnswer]:
        return await self.read_all(SignalAnswer, SIGNALS, filters, most)

    async def signal(self, signal_id: str) -> SignalAnswer:
        return await self.ask(SignalAnswer, "GET", f"{SIGNALS}/{signal_id}")

    async def executions(self, *, most: int | None = None, **filters: Filter) -> list[ExecutionAnswer]:
        return await self.read_all(ExecutionAnswer, EXECUTIONS, filters, most)

    async def execution(self, execution_id: str) -> ExecutionAnswer:
        return await self.ask(ExecutionAnswer, "GET", f"{EXECUTIONS}/{execution_id}")

    async def desk(self) -> DeskAnswer:
        return await self.ask(DeskAnswer, "GET", "/api/v1/desk")

    async def today(self, since: datetime | None = None) -> TodayAnswer:
        """Since a moment, or since midnight UTC."""
        params = {} if since is None else {"since": since.isoformat()}
        return TodayAnswer.model_validate_json((await self.send("GET", "/api/v1/desk/today", params=params)).content)

    async def glance(self, since: datetime) -> GlanceAnswer:
        """Parts, the figures since a moment, alerts and breakers, in one answer: for who asks every few seconds."""
        answer = await self.send("GET", "/api/v1/desk/glance", params={"since": since.isoformat()})
        return GlanceAnswer.model_validate_json(answer.content)

    async def alerts(self) -> list[AlertAnswer]:
        """What wants a person's eye now."""
        return await self.read_page(AlertAnswer, "/api/v1/desk/alerts")

    async def positions(self, *, most: int | None = None, **filters: Filter) -> list[PositionAnswer]:
        return await self.read_all(PositionAnswer, "/api/v1/positions", filters, most)

    async def leaderboard(self, days: int = 30) -> LeaderboardAnswer:
        answer = await self.send("GET", f"{BOTS}/results", params={"days": days})
        return LeaderboardAnswer.model_validate_json(answer.content)

    async def bot_results(self, bot_id: str, days: int = 30) -> BotResultAnswer:
        answer = await self.send("GET", f"{BOTS}/{bot_id}/results", params={"days": days})
        return BotResultAnswer.model_validate_json(answer.content)

    async def try_bot(self, bot_id: str, wanted: TrialSignal, *, wait_s: float = 0) -> WebhookAnswer:
        """A test signal: to paper accounts only."""
        params = {"wait": wait_s} if wait_s else None
        body = wanted.model_dump(mode="json")
        answer = await self.send("POST", f"{BOTS}/{bot_id}/test-signal", json=body, params=params)
        return WebhookAnswer.model_validate_json(answer.content)

    async def pull_breaker(self, wanted: BreakerWish) -> PulledAnswer:
        return await self.ask(PulledAnswer, "POST", "/api/v1/breaker", wanted)

    async def breakers(self) -> list[BreakerAnswer]:
        return await self.read_page(BreakerAnswer, "/api/v1/breaker")

    async def audit(self, *, most: int | None = None, **filters: Filter) -> list[AuditAnswer]:
        return await self.read_all(AuditAnswer, "/api/v1/audit", filters, most)

    async def verify_audit(self) -> AuditVerification:
        return await self.ask(AuditVerification, "GET", "/api/v1/audit/verification")

    async def backups(self) -> BackupsAnswer:
        return await self.ask(BackupsAnswer, "GET", "/api/v1/backups")

    async def make_backup(self) -> BackupAnswer:
        return await self.ask(BackupAnswer, "POST", "/api/v1/backups")

    async def logs(self, *, most: int | None = None, **filters: Filter) -> list[LogAnswer]:
        """The newest lines of the hub's own log."""
        return await self.read_all(LogAnswer, "/api/v1/logs", filters, most)

    async def notifications(self) -> NotificationsAnswer:
        return await self.ask(NotificationsAnswer, "GET", NOTIFICATIONS)

    async def set_notifications(self, wanted: NotificationsWish) -> NotificationsAnswer:
        return await self.ask(NotificationsAnswer, "PUT", NOTIFICATIONS, wanted)

    async def test_notifications(self) -> NotificationTestAnswer:
        """A message to each address, now."""
        return await self.ask(NotificationTestAnswer, "POST", f"{NOTIFICATIONS}/test")

    async def report_terminal(self, report: TerminalReport) -> TerminalAnswer:
        """From the program beside a MetaTrader 5 terminal."""
        body = report.model_dump(mode="json", exclude_unset=True)
        return TerminalAnswer.model_validate_json((await self.send("POST", TERMINALS, json=body)).content)

    async def terminals(self, user_id: str) -> TerminalsAnswer:
        return await self.ask(TerminalsAnswer, "GET", f"{TERMINALS}/{user_id}")

    async def health(self) -> HealthAnswer:
        return await self.ask(HealthAnswer, "GET", f"{BOTS}/health")

    async def alive(self) -> AliveAnswer:
        return await self.ask(AliveAnswer, "GET", "/health")

    async def ready(self) -> ReadyAnswer:
        return await self.ask(ReadyAnswer, "GET", "/ready")

    async def metrics(self) -> str:
        """In Prometheus' text format."""
        return (await self.send("GET", "/metrics")).text

    async def alert(self, webhook_url: str, message: dict[str, Any], *, wait_s: float = 0) -> WebhookAnswer:
        """Fire a bot's webhook as TradingView would; the secret is in the message."""
        answer = await self.send("POST", webhook_url, json=message, params={"wait": wait_s} if wait_s else None)
        return WebhookAnswer.model_validate_json(answer.content)

    async def broadcast(
        self, signing_secret: str, message: Mapping[str, object], *, wait_s: float = 0
    ) -> WebhookAnswer:
        """Send a master's ticket to a bot of source rest or master, signed (v1)."""
        return await self.send_signed("/signal/broadcast", signing_secret, _written(message), wait_s=wait_s)

    async def close_signal(
        self, signing_secret: str, master_ticket: int, *, wait_s: float = 0, **more: object
    ) -> WebhookAnswer:
        """Close a master's ticket; with `volume`, that part of it."""
        message = {"master_ticket": master_ticket, **more}
        return await self.send_signed("/signal/close", signing_secret, _written(message), wait_s=wait_s)

    async def send_signed(
        self, path: str, signing_secret: str, body: bytes, *, message_id: str | None = None, wait_s: float = 0
    ) -> WebhookAnswer:
        """One message, one id: the same body sent again under its id is the same message, and gets its first answer."""
        message_id = message_id or f"msg_{secrets.token_hex(16)}"
        seconds = int(SystemClock().now().timestamp())
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign_v1(signing_secret, message_id=message_id, seconds=seconds, body=body),
        }
        return await self._send_body(path, body, headers, wait_s)

    async def send_signed_by_token(self, path: str, body: bytes, *, wait_s: float = 0) -> WebhookAnswer:
        """v0, for bots whose `signature_v0` is on: the token is the key. It has no id; a repeat is a message of its own."""
        token = "" if self._tokens is None else self._tokens.access_token
        timestamp = str(int(SystemClock().now().timestamp() * 1_000))
        headers = {"X-Timestamp": timestamp, "X-Signature": sign_v0(token, timestamp, json.loads(body))}
        return await self._send_body(path, body, headers, wait_s)

    async def _send_body(self, path: str, body: bytes, headers: Mapping[str, str], wait_s: float) -> WebhookAnswer:
        told = {"Content-Type": "application/json", **headers}
        params = {"wait": wait_s} if wait_s else None
        answer = await self.send("POST", path, content=body, headers=told, params=params)
        return WebhookAnswer.model_validate_json(answer.content)


def _written(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, default=str, allow_nan=False).encode()


@asynccontextmanager
async def signed_in(base_url: str, username: str, password: str) -> AsyncIterator[ApiClient]:
    """A client that is signed in already."""
    async with ApiClient(base_url) as api:
        await api.sign_in(username, password)
        yield api
