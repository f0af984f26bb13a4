"""What agents are told of the whole: what the masters hold and have waiting, who is followed, and the follower's settings."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection, Row, bindparam, select

from copydesk.domain.following import ticket_of_alerts
from copydesk.domain.frames import moment
from copydesk.domain.ids import AccountId, BotId, UserId
from copydesk.domain.instrument import plain
from copydesk.domain.signal import Direction, Side
from copydesk.domain.subscription import SubscriptionStatus
from copydesk.domain.terminal import TradeCopy, trade_copy_of
from copydesk.domain.tickets import Ticket
from copydesk.domain.venue import MT5
from copydesk.stores import tables, terminal_tables
from copydesk.stores.rows import columns
from copydesk.stores.tickets import OPEN, WAITING, read_ticket

_COMMANDS = terminal_tables.agent_commands

UNANSWERED_MAX = 1_000

CONFIG = select(tables.users.c.config).where(tables.users.c.id == bindparam("user_id"))
_UNANSWERED = (
    select(_COMMANDS.c.id)
    .where(_COMMANDS.c.ended_at.is_(None), _COMMANDS.c.owner_id == bindparam("owner"))
    .order_by(_COMMANDS.c.id)
    .limit(UNANSWERED_MAX)
)


def snapshot_of(connection: Connection, owner_id: UserId, account_id: AccountId | None) -> Mapping[str, Any]:
    """Of everything that is followed, or of one account."""
    followed = _followed(connection, owner_id, account_id)
    config = connection.execute(CONFIG, {"user_id": owner_id}).scalar_one()
    tickets = {bot_id: _tickets_of(connection, BotId(bot_id)) for _, bot_id, _ in followed}
    alerts = {bot_id: _implied_by_alerts(connection, BotId(bot_id)) for _, bot_id, _ in followed}
    held = {one: [_position(ticket) for ticket in tickets[one] if ticket[0].is_open] + alerts[one] for one in tickets}
    waiting = {one: [_order(ticket) for ticket, _ in tickets[one] if not ticket.is_open] for one in tickets}
    return {
        "positions": _everywhere(followed, held),
        "orders": _everywhere(followed, waiting),
        "bots": [{"account_id": account, "bot_id": bot_id, "bot": name} for account, bot_id, name in followed],
        "settings": told_settings(trade_copy_of(config)),
        "unanswered": connection.execute(_UNANSWERED, {"owner": owner_id}).scalars().all(),
    }


def told_settings(settings: TradeCopy) -> dict[str, Any]:
    """As agents are told them."""
    return {
        name: value if value is None or isinstance(value, int) else str(value)
        for name, value in asdict(settings).items()
    }


def _followed(connection: Connection, owner_id: UserId, account_id: AccountId | None) -> list[Row[*tuple[Any, ...]]]:
    """Account, bot and the bot's name."""
    follows, accounts, bots = tables.bot_subscriptions.c, tables.exchange_accounts.c, tables.bots.c
    query = (
        select(follows.account_id, bots.id, bots.name)
        .join(tables.exchange_accounts, accounts.id == follows.account_id)
        .join(tables.bots, bots.id == follows.bot_id)
        .where(
            follows.owner_id == owner_id,
            follows.deleted_at.is_(None),
            follows.status != SubscriptionStatus.PAUSED,
            accounts.venue == MT5,
            accounts.is_active,
        )
    )
    if account_id is not None:
        query = query.where(accounts.id == account_id)
    return list(connection.execute(query.order_by(follows.id)).all())


def _everywhere(
    followed: Iterable[Row[*tuple[Any, ...]]], of_bots: Mapping[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    return [
        {"account_id": account, "bot_id": bot_id, "bot": name, **one}
        for account, bot_id, name in followed
        for one in of_bots[bot_id]
    ]


def _tickets_of(connection: Connection, bot_id: BotId) -> list[tuple[Ticket, Any]]:
    """Those that are open or wait, each with the price that its latest message told."""
    tickets, signals = tables.master_tickets, tables.bot_signals.c
    query = (
        select(*columns(tickets, Ticket), signals.price)
        .join(tables.bot_signals, signals.id == tickets.c.signal_id)
        .where(tickets.c.bot_id == bot_id, tickets.c.status.in_((OPEN, WAITING)))
    )
    return [(read_ticket(row), row.price) for row in connection.execute(query.order_by(tickets.c.number))]


def _position(told: tuple[Ticket, Any]) -> dict[str, Any]:
    ticket, price = told
    return {
        "master_ticket": ticket.number,
        "symbol": ticket.symbol,
        "type": Side.opening(ticket.direction).value,
        "volume": plain(ticket.volume),
        "price": None if price is None else plain(price),
        "sl": plain(ticket.stop_loss),
        "tp": plain(ticket.take_profit),
        "contract": ticket.contract,
    }


def _order(ticket: Ticket) -> dict[str, Any]:
    waiting = ticket.waiting
    if waiting is None:
        return {}
    return {
        **_position((ticket, waiting.price)),
        "type": waiting.kind.value,
        "stoplimit": plain(waiting.limit) if waiting.limit else None,
        "expiration": None if waiting.expires_at is None else moment(waiting.expires_at),
    }


def _implied_by_alerts(connection: Connection, bot_id: BotId) -> list[dict[str, Any]]:
    """Of a bot without tickets, what its alerts imply."""
    stands = tables.bot_positions.c
    alerts = select(stands.symbol, stands.direction).where(
        stands.bot_id == bot_id, stands.direction != Direction.FLAT, stands.volume.is_(None)
    )
    untold = dict.fromkeys(("volume", "price", "sl", "tp", "contract"))
    return [
        {
            "master_ticket": ticket_of_alerts(bot_id, row.symbol),
            "symbol": row.symbol,
            "type": Side.opening(row.direction).value,
            **untold,
        }
        for row in connection.execute(alerts.order_by(stands.symbol))
    ]
