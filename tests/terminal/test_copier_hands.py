"""A copier's orders on a simulated broker: done at most once, found again when the answer is lost, strangers untouched."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from terminal_support import FOLLOWER, child_of
from test_copier_rules import command

from copydesk.ports.clock import SystemClock
from copydesk.terminal.copier.commands import Do, Wishes
from copydesk.terminal.copier.hands import Hands
from copydesk.terminal.copier.journal import CopierJournal, Stage
from copydesk.terminal.copier.outcomes import Result
from copydesk.terminal.copier.reconcile import SETTLE, Reconciler
from copydesk.terminal.copier.requests import is_ours
from copydesk.terminal.gateway import Gateway

LOGIN = 1002


class LaterClock(SystemClock):
    """Waiting costs nothing."""

    def __init__(self):
        super().__init__()
        self.ahead = timedelta(0)

    def now(self):
        return super().now() + self.ahead


class Follower:
    def __init__(self, broker, gateway, path):
        self.broker, self.gateway, self.path = broker, gateway, path
        self.clock = LaterClock()
        self.wishes = Wishes(max_slippage_points=None)
        self.restart()

    def restart(self):
        self.journal = CopierJournal(self.path)
        self.hands = Hands(self.gateway, self.journal, clock=self.clock)
        self.reconciler = Reconciler(self.gateway, self.journal, clock=self.clock)

    async def open(self, **more):
        now = self.clock.now()
        told = command(created_at=now, expires_at=now + timedelta(seconds=30), **more)
        return await self.hands.open(told, self.wishes, await self.gateway.look())

    async def close(self, fraction="1", identity="c2"):
        told = command(id=identity, do=Do.CLOSE, fraction=Decimal(fraction))
        return await self.hands.close(told, await self.gateway.look())

    async def modify(self, sl):
        told = command(id=f"m{sl}", do=Do.MODIFY, sl=Decimal(sl))
        return await self.hands.modify(told, self.wishes, await self.gateway.look())

    async def settle(self):
        """Two rounds, long enough after the sending."""
        self.clock.ahead += SETTLE
        first = await self.reconciler.settle()
        self.clock.ahead += timedelta(seconds=1)
        return [*first, *await self.reconciler.settle()]

    def held(self):
        found = self.broker.hand(LOGIN).look()["positions"]
        return [(one["symbol"], one["type"], one["volume"]) for one in found if is_ours(one["magic"])]


@pytest.fixture
async def follower(broker, tmp_path):
    async with Gateway(child_of(broker), read_s=5, send_s=5) as gateway:
        assert await gateway.initialize(FOLLOWER) is True
        one = Follower(broker, gateway, tmp_path / "copier.db")
        yield one
        one.journal.close()
    broker.heal()
    hand = broker.hand(LOGIN)
    for held in (await asyncio.to_thread(hand.look))["positions"]:
        await asyncio.to_thread(hand.close, held["ticket"])


async def test_a_ticket_is_opened_changed_closed_in_part_and_closed(follower):
    follower.wishes = Wishes(mode="multiplier", multiplier=Decimal(2), max_slippage_points=None)
    opened = await follower.open()
    assert (opened.result, opened.volume) == (Result.DONE, Decimal("0.2"))
    assert [one.result for one in await follower.modify("0.5")] == [Result.DONE]
    assert [one.volume for one in await follower.close("0.5")] == [Decimal("0.1")]
    assert follower.held() == [("EURUSD", 0, 0.1)]
    assert [one.result for one in await follower.close(identity="c3")] == [Result.DONE]

    assert follower.held() == []
    assert follower.journal.copies_of("b1", 7) == []


async def test_the_same_command_again_is_answered_and_not_done_again(follower):
    first, again = await follower.open(), await follower.open()

    assert (first.result, again.result) == (Result.DONE, Result.DONE)
    assert len(follower.held()) == 1


async def test_a_followers_own_trades_are_not_closed(follower):
    own = (await asyncio.to_thread(follower.broker.hand(LOGIN).buy, "EURUSD", 0.3))["order"]
    await follower.open()
    await follower.close()

    held = follower.broker.hand(LOGIN).look()["positions"]
    assert [one["ticket"] for one in held] == [own]


async def test_an_order_whose_answer_is_lost_is_found_and_never_sent_again(follower, broker):
    broker.fault("drop_after", next_n=1)
    lost = await follower.open()
    assert lost.result is Result.UNKNOWN
    assert (await follower.close())[0].result is Result.NOT_NOW

    await follower.gateway.initialize(FOLLOWER)
    settled = await follower.settle()

    assert [one.stage for one in settled] == [Stage.DONE]
    assert len(follower.held()) == 1
    assert (await follower.open()).result is Result.DONE
    assert [one.result for one in await follower.close()] == [Result.DONE]
    assert follower.held() == []


async def test_an_order_that_was_never_there_is_absent_only_after_two_looks(follower, broker):
    broker.fault("unknown_not_executed", next_n=1)
    assert (await follower.open()).result is Result.UNKNOWN
    assert await follower.reconciler.settle() == []

    settled = await follower.settle()

    assert [one.stage for one in settled] == [Stage.ABSENT]
    assert (await follower.open()).result is Result.NOT_PLACED
    assert follower.held() == []


async def test_an_account_that_cannot_be_read_is_no_evidence(follower, broker):
    broker.fault("unknown_executed", next_n=1)
    assert (await follower.open()).result is Result.UNKNOWN
    broker.fault("none", function="history_deals_get", next_n=50)

    assert await follower.settle() == []
    broker.heal()
    assert [one.stage for one in await follower.settle()] == [Stage.DONE]


async def test_while_one_order_is_unknown_the_symbol_waits(follower, broker):
    broker.fault("unknown_not_executed", next_n=1)
    await follower.open()

    assert (await follower.open(id="c9", master_ticket=8)).result is Result.NOT_NOW


async def test_a_program_that_died_between_writing_and_sending_sent_nothing(follower):
    _, _, request = await _intended(follower)
    follower.journal.close()
    follower.restart()
    await follower.reconciler.begin()

    assert request.magic == 0
    assert follower.held() == []
    assert follower.journal.find("c1", "open").stage is Stage.ABSENT

    assert (await follower.open()).result is Result.DONE
    assert len(follower.held()) == 1


async def test_a_program_that_died_while_it_sent_looks_before_it_does_anything(follower):
    journal, intent, _ = await _intended(follower)
    sending = journal.move(intent, Stage.SENT, sent_at=follower.clock.now())
    await follower.gateway.send(sending.request, login=LOGIN)
    follower.journal.close()
    follower.restart()
    await follower.reconciler.begin()

    settled = await follower.settle()

    assert [one.stage for one in settled] == [Stage.DONE]
    assert (await follower.open()).result is Result.DONE
    assert len(follower.held()) == 1
    assert len(follower.journal.copies_of("b1", 7)) == 1


async def test_a_filling_that_is_refused_is_tried_once_in_the_other_way(follower, broker):
    broker.fault("retcode", code=10030, next_n=1)

    outcome = await follower.open()

    assert outcome.result is Result.DONE
    assert follower.journal.find("c1", "open").stage is Stage.REFUSED
    assert follower.journal.find("c1", "open:2").stage is Stage.DONE
    assert (await follower.open()).result is Result.DONE
    assert len(follower.held()) == 1


async def test_a_definite_refusal_is_told_and_leaves_nothing(follower, broker):
    broker.fault("reject", next_n=1)

    assert (await follower.open()).result is Result.REFUSED
    assert (await follower.open()).result is Result.REFUSED
    assert follower.held() == []


@pytest.mark.parametrize("kind", ["requote", "price_off", "rate_limit", "autotrading_off"])
async def test_a_refusal_that_passes_is_no_end_and_the_next_order_is_another_one(follower, broker, kind):
    broker.fault(kind, next_n=1)
    assert (await follower.open()).result is Result.NOT_NOW
    assert follower.held() == []

    assert (await follower.open()).result is Result.DONE
    assert [one.leg for one in follower.journal.tried("c1")] == ["open", "open:2"]
    assert len(follower.held()) == 1


async def test_an_order_for_another_account_is_not_sent(follower):
    _, intent, _ = await _intended(follower)

    answer = await follower.gateway.send(intent.request, login=1001)

    assert answer.nothing_was_sent
    assert "logged in to 1002, and the order is for 1001" in str(answer)
    assert follower.held() == []


async def test_a_position_that_the_owner_made_smaller_is_closed_by_what_is_left_of_it(follower):
    follower.wishes = Wishes(fixed_lot=Decimal("0.1"), max_slippage_points=None)
    opened = await follower.open()
    await asyncio.to_thread(follower.broker.hand(LOGIN).close, opened.position, 0.06)

    assert [one.volume for one in await follower.close("0.5")] == [Decimal("0.02")]
    assert [one.volume for one in await follower.close(identity="c3")] == [Decimal("0.02")]
    assert follower.held() == []


async def test_a_close_that_was_filled_in_part_goes_on_with_the_rest(follower, broker):
    follower.wishes = Wishes(fixed_lot=Decimal("0.2"), max_slippage_points=None)
    await follower.open()
    broker.fault("partial", next_n=1)

    first, second = (await follower.close())[0], (await follower.close())[0]

    assert (first.result, first.volume) == (Result.NOT_NOW, Decimal("0.1"))
    assert (second.result, second.volume) == (Result.DONE, Decimal("0.2"))
    assert follower.held() == []
    assert follower.journal.copies() == []


async def test_a_reversed_copy_sells_what_the_master_buys(follower):
    follower.wishes = Wishes(reverse=True, max_slippage_points=None)
    await follower.open()

    assert follower.held() == [("EURUSD", 1, 0.01)]


async def test_limits_of_the_follower_skip_with_their_rule(follower):
    follower.wishes = Wishes(max_orders_per_symbol=1, max_slippage_points=None)
    await follower.open()

    second = await follower.open(id="c9", master_ticket=8)

    assert second.result is Result.SKIPPED
    assert second.reason.startswith("orders_per_symbol: 1 positions and orders on EURUSD")


async def _intended(follower):
    from copydesk.terminal.codec import OrderRequest

    tick = await follower.gateway.tick("EURUSD")
    request = OrderRequest(
        action=1, symbol="EURUSD", type=0, volume=Decimal("0.01"), price=tick.ask, type_filling=1, comment="copydesk 7"
    )
    return follower.journal, follower.journal.write_ahead(command(), "open", request), request
