"""Every fault kind of the contract, alone and with each other, each on an account of its own, over TCP to the simulator."""

import itertools
from collections import Counter
from decimal import Decimal

import pytest

from copydesk.domain.execution import State
from desk_support import CALM, running_desk

KINDS = ("delay_before", "delay_after", "drop_before", "drop_after", "truncated", "empty_200", "html_502", "rate_limit")
KINDS += ("unknown_executed", "unknown_not_executed", "ban", "clock_skew", "late_not_found")
KINDS += ("duplicate_event", "reordered_event", "stream_disconnect")
CASES = [*((kind,) for kind in KINDS), *itertools.combinations(KINDS, 2)]
BATCHES = 4
SETTLES_WITHIN_S = 90


async def plant(desk, follower, kinds):
    """Both strike the account's next order; a throttled address is throttled for a moment only."""
    for kind in kinds:
        wait_s = 6 if kind == "clock_skew" else 1
        await desk.simulator.tell("faults", kind=kind, account=follower.key, next_n=1, probability=1, delay_s=wait_s)


async def at_rest(desk, acceptance, followers):
    async def calm():
        found = await desk.executions(acceptance)
        own = [one for one in found if one.leg in {"open", "close"}]
        return len(own) >= followers and all(one.state in CALM for one in found)

    await desk.until(calm, within_s=SETTLES_WITHIN_S)
    return await desk.executions(acceptance)


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("heavy")
@pytest.mark.parametrize("batch", range(BATCHES))
async def test_each_fault_alone_and_in_pairs_opens_at_most_once_and_both_ledgers_agree(tmp_path, simulator, batch):
    cases = CASES[batch::BATCHES]
    async with running_desk(tmp_path, simulator, venue_timeout_s=3.0) as desk:
        case_of = {}
        for kinds in cases:
            follower = await desk.follow(custom_take_profit_pct=Decimal(0))
            case_of[follower.subscription.id] = (follower, kinds)
        await desk.settled(await desk.signal("open_long"), count=len(cases), within_s=60)
        await desk.settled(await desk.signal("close"), count=len(cases), within_s=60)
        for follower, kinds in case_of.values():
            await plant(desk, follower, kinds)

        opened = await at_rest(desk, await desk.signal("open_long"), len(cases))
        await simulator.http.delete("/_sim/faults")
        closed = await at_rest(desk, await desk.signal("close"), len(cases))
        ledger = (await simulator.http.get("/_sim/ledger")).json()

    assert len(case_of) == len(cases)
    orders = Counter(one["client_order_id"] for one in ledger["orders"] if Decimal(one["executed_quantity"]) > 0)
    for execution in [*opened, *closed]:
        follower, kinds = case_of[execution.subscription_id]
        about = (kinds, execution.leg, execution.state, execution.reason)
        if execution.leg == "open":
            assert execution.attempt == 1, about
            assert orders[execution.client_order_id] == (execution.state is State.FILLED), about
        assert execution.state is not State.REVIEW, about
    assert ledger["positions"] == []
