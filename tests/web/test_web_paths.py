"""Webhook paths are remembered for a moment, and only to the advantage of who shows a valid secret."""

from copydesk.web.paths import KNOWN_FOR, Paths
from store_support import NOW, make_bot

VALID, OTHER = "a" * 64, "b" * 64


class Store:
    """Counts what it is asked; `known` is what it finds."""

    def __init__(self, **known):
        self.known = known
        self.asked = 0
        self.meanwhile = lambda: None

    async def read(self, work):
        del work
        self.asked += 1
        found = (make_bot(), tuple(self.known.values())) if self.known else None
        self.meanwhile()
        return found


async def test_a_burst_asks_the_database_once():
    store = Store(secret=VALID)
    paths = Paths(store)

    admitted = [await paths.admit("one", VALID, NOW) for _ in range(3)]

    assert None not in admitted
    assert store.asked == 1


async def test_it_is_asked_again_after_a_moment_and_after_a_change():
    store = Store(secret=VALID)
    paths = Paths(store)
    await paths.admit("one", VALID, NOW)
    store.known = {"secret": OTHER}

    later = NOW + KNOWN_FOR
    assert await paths.admit("one", VALID, later) is None

    assert await paths.admit("one", OTHER, later) is not None
    store.known = {"secret": VALID}
    paths.forget()
    assert await paths.admit("one", OTHER, later) is None


async def test_who_shows_a_wrong_secret_is_looked_up_whatever_is_remembered():
    store = Store(secret=VALID)
    paths = Paths(store)
    await paths.admit("one", VALID, NOW)

    assert await paths.admit("one", OTHER, NOW) is None
    assert store.asked == 2

    store.known = {"old": VALID, "new": OTHER}
    assert await paths.admit("one", OTHER, NOW) is not None


async def test_what_was_read_while_it_changed_is_not_remembered():
    store = Store(secret=VALID)
    paths = Paths(store)
    store.meanwhile = paths.forget

    await paths.admit("one", VALID, NOW)
    await paths.admit("one", VALID, NOW)

    assert store.asked == 2
