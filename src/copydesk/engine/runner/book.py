"""A bot's own book: the account that follows it as anybody's does, and whose position its strategy goes by."""

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.ids import AccountId, BotId, SubscriptionId
from copydesk.domain.position import Position
from copydesk.domain.subscription import Account
from copydesk.engine.runner.figures import TRADES_MAX, paper_result
from copydesk.engine.sessions import Sessions
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction
from copydesk.ports.strategy import Holding

BALANCE_AGE = timedelta(seconds=10)


class Held(Struct, frozen=True, kw_only=True):
    """What the book holds on a symbol; `under_way`: an order of it has not come to its end."""

    account: Account
    subscription_id: SubscriptionId
    position: Position | None
    under_way: bool

    @property
    def holding(self) -> Holding | None:
        if self.position is None:
            return None
        opened_ms = int(self.position.opened_at.timestamp() * 1_000)
        return Holding(direction=self.position.direction, entry_price=self.position.entry_price, opened_ms=opened_ms)


def read_book(tables: Transaction, bot: Bot, symbol: str) -> Held | None:
    """None where the bot has none, or its account follows it no more."""
    if bot.exchange_account_id is None:
        return None
    account = tables.followers.account(bot.exchange_account_id)
    subscription_id = tables.strategies.own_book(bot.id, bot.exchange_account_id)
    if account is None or subscription_id is None:
        return None
    unsettled = tables.executions.unsettled([account.id], symbol)
    return Held(
        account=account,
        subscription_id=subscription_id,
        position=tables.positions.get(subscription_id, symbol),
        under_way=any(one.subscription_id == subscription_id for one in unsettled),
    )


class Purses:
    """What bots have in USD: each account is asked at most every ten seconds, and anew when something has changed."""

    def __init__(self, store: Store, sessions: Sessions, clock: Clock) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._known: dict[AccountId, tuple[datetime, Decimal]] = {}
        self._paper: dict[BotId, Decimal] = {}

    async def of(self, bot: Bot, account: Account) -> Decimal:
        """In all, contracts on paper counted, less what an open one of these has taken. Raise VenueError."""
        known = self._known.get(account.id)
        now = self._clock.now()
        if known is None or now - known[0] > BALANCE_AGE:
            found = await (await self._sessions.of(account)).balance()
            known = self._known[account.id] = now, found.total_usd
        if bot.id not in self._paper:
            bought = await self._store.read(lambda tables: tables.strategies.contracts(bot.id, TRADES_MAX))
            self._paper[bot.id] = paper_result(bought)
        return known[1] + self._paper[bot.id]

    def forget(self, bot: Bot, account: Account | None) -> None:
        """Something of the bot's has ended or begun; with an account, at its venue too."""
        self._paper.pop(bot.id, None)
        if account is not None:
            self._known.pop(account.id, None)
