"""Who listens at a webhook path, remembered for a moment: a burst of alerts does not ask the database for each."""

import hmac
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from copydesk.domain.bot import Bot
from copydesk.stores.store import SqlStore

KNOWN_FOR = timedelta(seconds=1)
"""What changes meanwhile counts as soon as that is over, and at once where this program changed it (`forget`)."""

PATHS_MAX = 10_000


class _Known(NamedTuple):
    """A bot, the fingerprints of the secrets that were valid there, and when that was."""

    bot: Bot
    fingerprints: Sequence[str]
    at: datetime


class Paths:
    """Only who shows a valid secret profits: whoever does not is looked up, and as slow for a path that is not there."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._changes = 0

    async def admit(self, path: str, fingerprint: str, now: datetime) -> Bot | None:
        """The bot at a path, where this is the fingerprint of a secret that is valid there."""
        known = self._known.get(path)
        is_fresh = known is not None and known.at <= now < known.at + KNOWN_FOR
        if known is not None and is_fresh and _is_one_of(fingerprint, known.fingerprints):
            return known.bot
        changes = self._changes
        found = await self._store.read(lambda tables: tables.bots.at_path(path, now))
        if not _is_one_of(fingerprint, found[1] if found is not None else ("0" * 64,)) or found is None:
            return None
        if changes == self._changes:
            self._known[path] = _Known(*found, now)
        if len(self._known) > PATHS_MAX:
            self._known.popitem(last=False)
        return found[0]

    def forget(self) -> None:
        """A bot, its path or its secrets were changed."""
        self._changes += 1
        self._known.clear()


def _is_one_of(shown: str, fingerprints: Sequence[str]) -> bool:
    """Without telling by the time it takes how much of one fits."""
    return sum(hmac.compare_digest(shown, stored) for stored in fingerprints) > 0
