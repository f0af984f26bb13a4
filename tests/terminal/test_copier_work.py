"""A copier's commands one by one: their order, their expiry, what is taken back, and what a snapshot may do."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from copier_play_support import LOGIN, copiers, stamp
from terminal_support import FOLLOWER, NETTING

from copydesk.terminal.copier.inbox import Inbox
from copydesk.terminal.copier.reception import AGREE_S, OutOfStep


@pytest.fixture
async def make(broker, tmp_path):
    async with copiers(broker, tmp_path) as one:
        yield one


@pytest.fixture
async def desk(make):
    return await make()


async def test_a_command_is_on_the_disk_with_its_number_before_its_word_is_given(desk):
    said = await desk.give("OPEN", name="c1")

    again = Inbox(desk.path)
    assert said == [{"action": "received", "ids": ["c1"]}]
    assert (again.last_seq, [one.told.id for one in again.open()]) == (1, ["c1"])
    again.close()


async def test_a_command_that_comes_again_is_done_once_and_its_result_told_again(desk):
    await desk.give("OPEN", name="c1")
    await desk.work.cycle()
    again = await desk.reception.take(desk.frame("OPEN", 1, "c1"))
    await desk.work.cycle()

    assert desk.results() == [("c1", "filled")]
    assert [one["action"] for one in again] == ["received", "result"]
    assert desk.held() == [0.01]


async def test_a_number_that_is_missing_is_no_command_but_a_reason_to_connect_again(desk):
    await desk.give("OPEN", name="c1")
    with pytest.raises(OutOfStep):
        await desk.reception.take(desk.frame("OPEN", 3, "c3"))

    gap = {"event": "GAPFILL", "seq": 9, "id": None, "data": {"from_seq": 2, "to_seq": 9, "why": "too old"}}
    assert await desk.reception.take(gap) == ()
    await desk.reception.take(desk.frame("OPEN", 10, "c10"))
    assert desk.inbox.last_seq == 10


async def test_what_has_expired_is_not_begun_and_says_so(desk):
    await desk.give("OPEN", name="c1", good_for_s=5)
    desk.clock.ahead_s = 7
    await desk.work.cycle()

    assert desk.results() == [("c1", "refused")]
    assert "expired" in desk.said[-1]["reason"]
    assert desk.held() == []


async def test_the_hubs_clock_decides_what_has_expired_and_its_news_is_never_thought_younger(desk):
    ahead = desk.clock.now() + timedelta(minutes=3)
    before_s = desk.clock.elapsed() - 2.0
    await desk.reception.welcome({"ts": stamp(ahead), "seq": 0}, before_s)

    assert timedelta(seconds=181.9) < desk.time.now() - desk.clock.now() < timedelta(seconds=182.5)
    assert desk.inbox.fact("offset_s", float) == pytest.approx(182, abs=0.5)


async def test_commands_of_a_ticket_wait_for_one_another_and_other_tickets_pass(desk, broker):
    await desk.give("OPEN", name="first")
    broker.fault("requote", next_n=1)
    await desk.work.cycle()
    await desk.give("CLOSE", name="half", fraction="0.5")
    await desk.give("OPEN", ticket=8, name="other")
    await desk.work.cycle()

    assert desk.results() == [("other", "filled")]
    desk.clock.ahead_s += 1
    await desk.work.cycle()
    assert [one[0] for one in desk.results()][:2] == ["other", "first"]


async def test_what_the_master_closed_before_it_could_be_opened_is_not_opened(desk, broker):
    broker.tell("terminals", path=FOLLOWER, login=LOGIN, trade_allowed=False)
    await desk.give("OPEN", name="c1")
    await desk.give("CLOSE", name="c2")
    await desk.work.cycle()
    broker.tell("terminals", path=FOLLOWER, login=LOGIN, trade_allowed=True)
    await desk.work.cycle()

    assert desk.results() == [("c1", "refused"), ("c2", "refused")]
    assert "the master has closed it meanwhile" in desk.said[0]["reason"]
    assert desk.said[1]["plan"] == {"rule": "nothing_held"}
    assert desk.held() == []


async def test_a_command_that_is_taken_back_in_time_is_not_done_and_one_that_was_done_stays(desk):
    await desk.give("OPEN", ticket=8, name="done")
    await desk.work.cycle()
    await desk.give("OPEN", name="c1")
    await desk.give("CANCEL", name="c1.cancel", command_id="c1")
    await desk.give("CANCEL", ticket=8, name="done.cancel", command_id="done")
    await desk.work.cycle()

    assert desk.results() == [("done", "filled"), ("c1", "refused")]
    assert desk.held() == [0.01]
    assert desk.inbox.open() == []


async def test_a_frame_that_is_not_understood_is_answered_and_lets_the_next_one_pass(desk):
    said = await desk.give("OPEN", name="odd", volume="many")
    await desk.give("OPEN", name="c2")
    await desk.work.cycle()

    assert (said[1]["id"], said[1]["status"]) == ("odd", "refused")
    assert desk.results() == [("c2", "filled")]


async def test_whoever_follows_nobody_is_told_so_once(desk):
    for _ in range(2):
        await desk.snapshot(bots=())
    await desk.snapshot(bots=("b1",))

    assert [one.split(":")[0] for one in desk.lines if "follow" in one] == ["no bot is followed", "follows B"]


async def test_a_snapshot_of_commands_that_never_came_is_a_reason_to_connect_again(desk):
    await desk.give("OPEN", name="c1")
    with pytest.raises(OutOfStep):
        await desk.snapshot(7, as_of=3)


async def test_on_a_netting_account_each_ticket_has_its_lots_of_the_one_position(make):
    desk = await make(login=1003, path=NETTING)
    for ticket, lots in ((7, "0.02"), (8, "0.03")):
        await desk.give("OPEN", ticket=ticket, name=f"open-{ticket}", settings=_fixed(lots))
        await desk.work.cycle()
    await desk.give("OPEN", ticket=9, name="against", type="SELL", settings=_fixed("0.01"))
    await desk.give("CLOSE", ticket=7, name="close-7")
    await desk.work.cycle()
    assert desk.held() == [0.03]
    await desk.give("CLOSE", ticket=8, name="close-8")
    await desk.work.cycle()

    assert desk.held() == []
    assert dict(desk.results())["against"] == "refused"
    assert desk.journal.copies() == []
    own = await asyncio.to_thread(desk.broker.hand(1003).buy, "EURUSD", 0.5)
    await desk.give("OPEN", ticket=10, name="beside-own", settings=_fixed("0.01"))
    await desk.work.cycle()
    assert "is your own: a copy would be mixed with it" in desk.said[-1]["reason"]
    assert desk.broker.hand(1003).look()["positions"][0]["volume"] == 0.5
    assert own["order"]


def _fixed(lots):
    return {"mode": "fix", "fixed_lot": lots, "max_slippage_points": None}


async def test_an_order_that_was_given_up_and_is_there_after_all_is_followed_from_then_on(desk, broker):
    await desk.work.cycle()
    broker.fault("unknown_executed", next_n=1)
    broker.fault("late_not_found", function="positions_get", account=LOGIN, probability=1)
    broker.fault("late_not_found", function="history_deals_get", account=LOGIN, probability=1)
    broker.fault("late_not_found", function="history_orders_get", account=LOGIN, probability=1)
    await desk.give("OPEN", name="c1", good_for_s=300)
    for _ in range(4):
        await desk.work.cycle()
        desk.clock.ahead_s += 10
    assert desk.results() == [("c1", "unknown"), ("c1", "refused")]
    broker.heal()
    await desk.work.cycle()
    await desk.work.cycle()

    assert any("is open after all" in one for one in desk.lines)
    assert [one.volume for one in desk.journal.copies()] == [Decimal("0.01")]
    await desk.give("CLOSE", name="c2")
    await desk.work.cycle()
    assert desk.held() == []


async def test_results_that_a_cut_swallowed_are_told_after_the_next_snapshot(desk):
    await desk.give("OPEN", name="c1")
    await desk.work.cycle()
    await desk.give("OPEN", ticket=8, name="c2")

    said = await desk.snapshot(7, 8, unanswered=("c1", "c2", "strange"))

    assert said[0] == {"action": "received", "ids": ["c1", "c2"]}
    assert [(one["id"], one["status"]) for one in said[1:]] == [("c1", "filled")]


async def test_a_copy_without_a_master_is_closed_by_two_snapshots_and_told_by_its_deals(desk):
    await desk.give("OPEN", name="c1")
    await desk.work.cycle()
    await desk.snapshot()
    await desk.work.cycle()
    assert (desk.held(), desk.reception.doubts) == ([0.01], True)

    desk.clock.ahead_s += AGREE_S
    await desk.snapshot()
    for _ in range(3):
        await desk.work.cycle()

    assert desk.held() == []
    assert desk.results() == [("c1", "filled")]
    await desk.give("CLOSE", name="c2")
    await desk.work.cycle()
    result = desk.said[-1]
    assert (result["id"], result["status"], result["volume"]) == ("c2", "filled", "0.01")
    assert "profit" in result


@pytest.mark.parametrize(
    ("choices", "snapshot"),
    [({}, {"bots": ()}), ({"closes_orphans": False}, {}), ({}, {"as_of": 0})],
    ids=["a bot that is not followed", "the owner chose so", "a snapshot from before the last command"],
)
async def test_some_copies_without_a_master_stay(make, choices, snapshot):
    desk = await make(**choices)
    await desk.give("OPEN", name="c1")
    await desk.work.cycle()
    for _ in range(3):
        await desk.snapshot(**snapshot)
        desk.clock.ahead_s += AGREE_S
        await desk.work.cycle()

    assert desk.held() == [0.01]


async def test_what_was_open_when_the_hub_lost_its_memory_stays_open_also_after_a_restart(make):
    desk = await make()
    await desk.give("OPEN", name="c1")
    await desk.work.cycle()
    desk.seq = 0
    await desk.reception.welcome({"ts": stamp(desk.clock.now()), "seq": 0}, desk.clock.elapsed())
    await desk.give("OPEN", ticket=8, name="c2")
    await desk.work.cycle()

    for one in (desk, await make()):
        one.seq = desk.seq
        for _ in range(3):
            await one.snapshot()
            one.clock.ahead_s += AGREE_S
            await one.work.cycle()
    assert any("the hub knows less than it did" in one for one in desk.lines)
    assert [one.master_ticket for one in desk.journal.copies()] == [7]


async def test_a_snapshot_opens_nothing_unless_the_owner_chose_so_and_then_once(make):
    settings = {"mode": "fix", "fixed_lot": "0.02", "max_slippage_points": 100_000}
    careful = await make()
    await careful.snapshot(7, **settings)
    await careful.work.cycle()
    assert careful.held() == []

    eager = await make(opens_missing=True)
    for _ in range(2):
        await eager.snapshot(7, **settings)
        await eager.work.cycle()
    assert eager.held() == [0.02]
    await eager.snapshot(8, **settings | {"mode": "multiplier"})
    await eager.snapshot(9, **settings | {"max_slippage_points": 0})
    await eager.work.cycle()
    assert eager.held() == [0.02]


async def test_a_copy_that_ends_by_itself_is_told_and_its_close_answered_by_the_deals(desk):
    await desk.give("OPEN", name="c1")
    await desk.work.cycle()
    [held] = (await asyncio.to_thread(desk.broker.hand(LOGIN).look))["positions"]
    await asyncio.to_thread(desk.broker.hand(LOGIN).close, held["ticket"])
    for _ in range(3):
        await desk.work.cycle()
    told = [one for one in desk.said if one["action"] == "closed"]
    await desk.give("CLOSE", name="c2")
    await desk.work.cycle()

    assert [(one["master_ticket"], one["reason"]) for one in told] == [(7, "closed by hand in the terminal")]
    assert (desk.said[-1]["status"], Decimal(desk.said[-1]["volume"])) == ("filled", Decimal("0.01"))
    assert json.dumps(desk.said)
    await desk.give("CLOSE", name="c3")
    await desk.work.cycle()
    assert desk.said[-1]["reason"] == "it was closed before, and told"


async def test_a_position_that_is_not_shown_and_has_no_deals_closes_nothing(desk, broker):
    await desk.give("OPEN", name="c1")
    await desk.work.cycle()
    broker.fault("late_not_found", function="*", account=LOGIN, next_n=500)
    for _ in range(4):
        await desk.work.cycle()
        desk.clock.ahead_s += 4
    broker.heal()
    await desk.work.cycle()

    assert [one for one in desk.said if one["action"] == "closed"] == []
    assert any("look at the account" in one for one in desk.lines)
    assert len(desk.journal.copies()) == 1


async def test_the_first_look_of_a_connection_is_not_traded_on(make, broker):
    desk = await make()
    await desk.give("OPEN", name="c1")
    broker.fault("drop_before", function="account_info", account=LOGIN, next_n=1)
    await desk.work.cycle()
    await desk.work.cycle()
    assert desk.held() == []

    await desk.work.cycle()
    assert desk.held() == [0.01]
