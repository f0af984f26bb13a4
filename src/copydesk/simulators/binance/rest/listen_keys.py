"""Keys of user-data streams: one per account, living 60 minutes after the last sign of life."""

from dataclasses import dataclass, field
from random import Random

from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.text import invented

_LIFE_MS = 60 * 60 * 1_000
_LENGTH = 64


@dataclass(slots=True)
class ListenKeys:
    random: Random
    _key_of: dict[str, str] = field(default_factory=dict)
    _owner_of: dict[str, str] = field(default_factory=dict)
    _until_ms: dict[str, int] = field(default_factory=dict)

    def open(self, api_key: str, now_ms: int) -> str:
        """The active key, or a new one; either way it lives another 60 minutes."""
        key = self._key_of.get(api_key)
        if key is None or self.owner(key, now_ms) is None:
            key = invented(self.random, _LENGTH)
            self._key_of[api_key] = key
            self._owner_of[key] = api_key
        self._until_ms[key] = now_ms + _LIFE_MS
        return key

    def extend(self, api_key: str, given: str | None, now_ms: int) -> str:
        """``given`` may be absent: the caller's own key. Raises -1125 when there is none."""
        key = given or self._key_of.get(api_key, "")
        if self.owner(key, now_ms) != api_key:
            raise refused(-1125)
        self._until_ms[key] = now_ms + _LIFE_MS
        return key

    def close(self, api_key: str, now_ms: int) -> str:
        key = self._key_of.pop(api_key, "")
        if self.owner(key, now_ms) is None:
            raise refused(-1125)
        del self._owner_of[key], self._until_ms[key]
        return key

    def key_of(self, api_key: str, now_ms: int) -> str | None:
        """The account's active key."""
        key = self._key_of.get(api_key, "")
        return None if self.owner(key, now_ms) is None else key

    def owner(self, key: str, now_ms: int) -> str | None:
        if self._until_ms.get(key, 0) <= now_ms:
            return None
        return self._owner_of.get(key)

    def expire(self, now_ms: int) -> list[tuple[str, str]]:
        """Forget keys whose time is over; answers (key, api key) of each."""
        over = [key for key, until in self._until_ms.items() if until <= now_ms]
        ended = [(key, self._owner_of.pop(key)) for key in over]
        for key, api_key in ended:
            del self._until_ms[key]
            if self._key_of.get(api_key) == key:
                del self._key_of[api_key]
        return ended
