"""What a window shows of a Client Copier: its account, which position copies which ticket, what was refused and why."""

import asyncio
from collections.abc import Sequence

from copydesk.ports.beside import Copied, Insight, NotDone
from copydesk.ports.clock import Clock
from copydesk.terminal.attachment import Attachment
from copydesk.terminal.copier.inbox import Inbox, Refusal
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.records import Copy
from copydesk.terminal.hub import Following
from copydesk.terminal.insight import SHOWN_MAX, login_of


async def copier_insight(
    following: Following, attachment: Attachment, journal: CopierJournal, inbox: Inbox, clock: Clock
) -> Insight:
    copies, refused = await asyncio.to_thread(_read, journal, inbox)
    return Insight(
        login=following.login,
        username=following.username,
        trouble=None if attachment.trouble is None else attachment.trouble.reason,
        looked_s=None if attachment.seen is None else clock.elapsed() - attachment.seen_at,
        account=login_of(attachment.seen),
        copies=[_copied(one) for one in copies[:SHOWN_MAX]],
        not_done=[_not_done(one) for one in refused],
    )


def _read(journal: CopierJournal, inbox: Inbox) -> tuple[Sequence[Copy], Sequence[Refusal]]:
    return journal.copies(), inbox.refused(SHOWN_MAX)


def _copied(copy: Copy) -> Copied:
    return Copied(
        master_ticket=copy.master_ticket,
        ticket=copy.identifier,
        bot_id=copy.bot_id,
        symbol=copy.symbol,
        type=copy.type,
        volume=copy.volume,
    )


def _not_done(refusal: Refusal) -> NotDone:
    """The hub's own words for what; whatever a frame that was not understood holds."""
    data = refusal.frame.get("data")
    told = data if isinstance(data, dict) else {}
    words = (refusal.frame.get("event"), told.get("symbol"), told.get("type"), told.get("volume"))
    ticket = told.get("master_ticket")
    return NotDone(
        id=str(refusal.frame.get("id")),
        at=refusal.at,
        what=" ".join(str(one) for one in words if one is not None),
        ticket=ticket if isinstance(ticket, int) else 0,
        reason=str(refusal.answer.get("reason", "")),
    )
