"""Our own budget: whatever is asked for, no window the venue counts in is ever overrun."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import VenueUnavailable
from copydesk.venues.binance.budget import ORDERS_IN_10_S, WEIGHT_A_MINUTE, Budget, weight_of

START = datetime(2026, 11, 21, 9, 0, 30, tzinfo=UTC)


class Moving:
    """A clock that sleeping moves."""

    def __init__(self):
        self.at = START

    def elapsed(self):
        return (self.at - START).total_seconds()

    async def sleep(self, seconds):
        self.at += timedelta(seconds=seconds)


@given(wishes=st.lists(st.tuples(st.integers(1, 400), st.floats(0, 20)), max_size=60))
def test_no_calendar_minute_sees_more_than_the_venue_allows(wishes):
    clock = Moving()
    budget = Budget(clock)
    minutes = Counter()

    async def ask():
        for weight, pause_s in wishes:
            clock.at += timedelta(seconds=pause_s)
            try:
                await budget.take(weight)
            except VenueUnavailable:
                continue
            minutes[clock.at.replace(second=0, microsecond=0)] += weight

    asyncio.run(ask())
    assert all(used <= 2_400 for used in minutes.values())


@given(pauses=st.lists(st.floats(0, 0.2), min_size=1, max_size=900))
def test_no_ten_seconds_see_more_orders_of_one_account_than_the_venue_allows(pauses):
    clock = Moving()
    budget = Budget(clock)
    windows = Counter()

    for pause_s in pauses:
        clock.at += timedelta(seconds=pause_s)
        try:
            budget.take_order("alice")
        except VenueUnavailable:
            continue
        windows[int(clock.at.timestamp()) // 10] += 1

    assert all(sent <= 300 for sent in windows.values())


async def test_one_account_s_orders_are_not_another_s():
    budget = Budget(Moving())
    for _ in range(ORDERS_IN_10_S):
        budget.take_order("alice")

    with pytest.raises(VenueUnavailable, match="as many as Binance lets it"):
        budget.take_order("alice")
    budget.take_order("bob")


async def test_what_others_use_of_the_address_counts_too():
    clock = Moving()
    budget = Budget(clock)

    budget.note({"X-MBX-USED-WEIGHT-1M": str(WEIGHT_A_MINUTE - 1)})
    await budget.take(1)
    before = clock.at
    with pytest.raises(VenueUnavailable, match="for enough"):
        await budget.take(1)

    assert clock.at == before


async def test_a_short_wait_for_room_is_waited_out():
    clock = Moving()
    budget = Budget(clock)
    await budget.take(WEIGHT_A_MINUTE)
    clock.at += timedelta(seconds=50)

    await budget.take(5)

    assert clock.at >= START + timedelta(seconds=60)


async def test_a_throttled_address_asks_nothing_more_and_its_orders_still_leave():
    budget = Budget(Moving())
    budget.quiet(30)

    with pytest.raises(VenueUnavailable, match="throttles"):
        await budget.take(1)
    await budget.take(weight_of("POST", "order"))
