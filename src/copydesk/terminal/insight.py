"""What a window shows of a Master Sender: its account, what the hub knows of it, what was not sent and why."""

import asyncio
from collections.abc import Sequence

from copydesk.ports.beside import Holding, Insight, Login, NotDone, OpenSignal
from copydesk.ports.clock import Clock
from copydesk.terminal.attachment import Attachment
from copydesk.terminal.codec import Look
from copydesk.terminal.hub import Standing
from copydesk.terminal.journal import Entry, Journal, Stage
from copydesk.terminal.outbox import describe

SHOWN_MAX = 200
"""Lines of each table: what is older is in the journal."""


async def master_insight(standing: Standing, attachment: Attachment, journal: Journal, clock: Clock) -> Insight:
    sent, signals, not_sent = await asyncio.to_thread(_read, journal)
    return Insight(
        login=standing.login,
        username=standing.username,
        bot=standing.bot_name,
        trouble=None if attachment.trouble is None else attachment.trouble.reason,
        looked_s=None if attachment.seen is None else clock.elapsed() - attachment.seen_at,
        account=login_of(attachment.seen),
        sent=sent,
        signals=[_open(one) for one in signals[-SHOWN_MAX:]],
        not_done=[_not_sent(one) for one in not_sent],
    )


def login_of(look: Look | None) -> Login | None:
    """As the terminal's own window shows it."""
    if look is None:
        return None
    account = look.account
    return Login(
        login=account.login,
        server=account.server,
        currency=account.currency,
        balance=account.balance,
        equity=account.equity,
        leverage=account.leverage,
        margin_level=account.margin_level,
        trade_allowed=look.terminal.trade_allowed and account.trade_allowed,
        positions=[
            Holding(
                ticket=one.ticket,
                symbol=one.symbol,
                type="BUY" if one.is_buy else "SELL",
                volume=one.volume,
                price=one.price,
                sl=one.sl,
                tp=one.tp,
            )
            for one in look.positions[:SHOWN_MAX]
        ],
    )


def _read(journal: Journal) -> tuple[int, Sequence[Entry], Sequence[Entry]]:
    return journal.count(Stage.SENT), journal.open_signals(), journal.not_sent(SHOWN_MAX)


def _open(entry: Entry) -> OpenSignal:
    event = entry.event
    return OpenSignal(
        ticket=event.number,
        symbol=event.symbol,
        type=event.type,
        volume=event.volume,
        price=event.price,
        told_at=entry.accepted_at or entry.detected_at,
    )


def _not_sent(entry: Entry) -> NotDone:
    return NotDone(
        id=str(entry.number),
        at=entry.detected_at,
        what=describe(entry.event),
        ticket=entry.event.number,
        reason=entry.reason,
    )
