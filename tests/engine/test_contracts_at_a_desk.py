"""A whole desk that buys contracts: what an alert means, how they end, and that nothing is bought twice."""

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace

import aiohttp
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from copydesk.domain.bot import MarketType
from copydesk.domain.execution import State
from copydesk.domain.signal import Action, ContractTerms, Direction, Instruction, SourceKind
from copydesk.domain.venue import DERIV
from copydesk.stores import tables as schema
from copydesk.venues.deriv import Deriv
from deriv_support import SYMBOL, DeskTime, running_deriv
from desk_support import Follower, running_desk
from store_support import make_account, make_subscription, make_user

STAKE = Decimal(5)


@dataclass
class World:
    """A simulated Deriv, its time, and a desk with one bot of options."""

    simulator: object
    clock: DeskTime
    desk: object

    async def follow(self, *, venue=DERIV, account=None, **overrides):
        token, _ = await self.simulator.open_account()
        user = make_user()
        account = replace(account or make_account(venue=venue), owner_id=user.id)
        follows = {"bot_id": self.desk.bot.id, "account_id": account.id, "custom_margin_usd": STAKE, **overrides}
        subscription = make_subscription(owner_id=user.id, **follows)
        keys = {"token": token} if venue == DERIV else {"api_key": token, "api_secret": "secret"}

        def work(tables):
            tables.users.add(user, "no password")
            tables.accounts.add(account, keys)
            tables.subscriptions.add(subscription)

        await self.desk.store.write(work)
        return Follower(account, subscription, token)

    async def signal(self, action, *, contract=None):
        instruction = Instruction(
            ticker=SYMBOL,
            symbol=SYMBOL,
            action=Action(action),
            key=secrets.token_hex(8),
            key_ttl_s=60,
            payload={"action": action},
            contract=contract,
        )
        return await self.desk.desk.intake.accept(
            self.desk.bot.id, instruction, source=SourceKind.TRADINGVIEW, received_at=self.clock.now()
        )

    async def done(self, action, **more):
        return await self.desk.settled(await self.signal(action, **more))

    async def contracts(self, follower=None):
        return await self.simulator.contracts(None if follower is None else follower.key)

    async def trades(self):
        query = select(schema.trades).order_by(schema.trades.c.id)
        return await self.desk.store.read(lambda tables: list(tables.signals._connection.execute(query)))

    async def until_flat(self, follower, within_s=20):
        async def is_flat():
            return await self.desk.position(follower, SYMBOL) is None

        await self.desk.until(is_flat, within_s)

    async def until_heard(self, follower):
        async def is_heard():
            return self.desk.desk._watching.is_watched(follower.account.id)

        await self.desk.until(is_heard)

    async def by_hand(self, follower, **request):
        """What the account's owner does on the venue's own pages."""
        url = f"{self.simulator.url.replace('http', 'ws')}/websockets/v3?app_id=1"
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
            for each in ({"authorize": follower.key}, request):
                await socket.send_json(each)
                answer = await socket.receive_json()
            return answer


async def ledgers_match(world, follower):
    """Every contract of the account is an opening of ours, and its end a trade with the venue's profit."""
    bought = {str(one["contract_id"]): one for one in await world.contracts(follower)}
    ours = [one for one in await world.desk.executions(follower=follower) if one.state is State.FILLED]
    assert sorted(one.exchange_order_id for one in ours if one.leg == "open") == sorted(bought)
    over = {key: one for key, one in bought.items() if one["sell_price"] is not None}
    assert sorted(one.exchange_order_id for one in ours if one.leg == "close") == sorted(over)
    profits = sorted(Decimal(one["sell_price"]) - Decimal(one["buy_price"]) for one in over.values())
    found = [one for one in await world.trades() if one.subscription_id == follower.subscription.id]
    assert sorted(one.net_usd for one in found) == profits


@asynccontextmanager
async def running_world(folder, simulator, clock, **bot):
    def wrap(venues):
        deriv = Deriv(clock, simulator_url=simulator.url, timeout_s=2, allow_live=False)
        return venues | {DERIV: deriv}

    options = {"market_type": MarketType.OPTIONS, "contract_duration_s": 30} | bot
    nowhere = SimpleNamespace(url="http://127.0.0.1:1")
    async with running_desk(folder, nowhere, venue_timeout_s=2, wrap=wrap, bot=options, clock=clock) as desk:
        yield World(simulator, clock, desk)


@pytest.fixture
async def simulator():
    async with running_deriv(virtual_time=True) as running:
        yield running


@pytest.fixture
async def clock(simulator):
    clock = DeskTime(simulator)
    await simulator.hold("1500")
    await clock.pass_time(1)
    return clock


@pytest.fixture
async def world(tmp_path, simulator, clock):
    async with running_world(tmp_path, simulator, clock) as running:
        yield running


async def test_a_buy_is_a_call_and_its_end_a_trade_with_the_venue_s_own_profit(world, simulator, clock):
    follower = await world.follow()

    (opened,) = await world.done("buy")
    await clock.pass_time(3)
    await simulator.hold("1502")
    await clock.pass_time(30)
    await world.until_flat(follower)

    (contract,) = await world.contracts(follower)
    (trade,) = await world.trades()
    assert (contract["type"], contract["status"], contract["buy_price"]) == ("CALL", "won", "5.00")
    assert (opened.state, opened.executed_quantity, opened.executed_price) == (State.FILLED, STAKE, 1)
    assert trade.net_usd == Decimal(contract["sell_price"]) - STAKE
    assert trade.direction is Direction.LONG
    (closed,) = [one for one in await world.desk.executions(follower=follower) if one.leg == "close"]
    assert (closed.state, closed.reason) == (State.FILLED, "won")
    await ledgers_match(world, follower)


async def test_a_sell_while_flat_is_a_put_and_a_loss_counts_for_the_day(world, clock):
    follower = await world.follow(max_daily_loss_usd=STAKE)

    await world.done("sell")
    await clock.pass_time(32)
    await world.until_flat(follower)
    (refused,) = await world.done("sell")

    assert [(one["type"], one["status"]) for one in await world.contracts(follower)] == [("PUT", "lost")]
    assert [one.net_usd for one in await world.trades()] == [-STAKE]
    assert (refused.state, refused.reason) == (State.SKIPPED, "Daily loss limit reached")


async def test_a_close_sells_our_contract_and_leaves_the_owner_s_own_alone(world, clock):
    follower = await world.follow()
    terms = {"amount": 5, "basis": "stake", "contract_type": "CALL", "currency": "USD", "symbol": SYMBOL}
    await world.done("buy")
    await world.by_hand(follower, buy="1", price=5, parameters={**terms, "duration": 60, "duration_unit": "s"})
    await clock.pass_time(5)

    (closed,) = await world.done("close")

    ours, own = await world.contracts(follower)
    assert (ours["status"], own["status"]) == ("sold", "open")
    assert (closed.state, closed.reason, closed.exchange_order_id) == (State.FILLED, "sold", str(ours["contract_id"]))
    assert [one.net_usd for one in await world.trades()] == [Decimal(ours["sell_price"]) - STAKE]


async def test_a_close_that_comes_too_late_to_sell_waits_for_the_contract_s_own_end(world, clock):
    follower = await world.follow()
    await world.done("buy")
    await clock.pass_time(20)

    (waiting,) = await world.done("close")
    await clock.pass_time(12)
    await world.until_flat(follower)

    assert waiting.state is State.WORKING
    assert "own end" in waiting.reason
    await ledgers_match(world, follower)


async def test_a_second_signal_while_a_contract_is_open_is_skipped_with_the_reason(world):
    await world.follow()
    await world.done("buy")

    (again,), (other,) = await world.done("buy"), await world.done("sell")

    assert {one.plan["rule"] for one in (again, other)} == {"contract_open"}
    assert len(await world.contracts()) == 1


async def test_what_comes_while_a_contract_is_ending_waits_for_its_end_and_is_bought_then(world, clock):
    follower = await world.follow()
    await world.done("buy")
    await clock.pass_time(28)

    async def is_ending():
        return [one for one in await world.desk.executions(follower=follower) if one.leg == "close"]

    await world.desk.until(is_ending)
    following = await world.signal("sell")
    await clock.pass_time(4)
    (bought,) = await world.desk.settled(following)

    assert bought.state is State.FILLED
    assert [(one["type"], one["status"]) for one in await world.contracts()] == [("CALL", "lost"), ("PUT", "open")]


async def test_a_contract_that_its_owner_sells_is_closed_at_once_with_what_it_brought(world, clock):
    follower = await world.follow()
    (opened,) = await world.done("buy")
    await world.until_heard(follower)
    await clock.pass_time(5)

    await world.by_hand(follower, sell=int(opened.exchange_order_id), price=0)
    await world.until_flat(follower)

    assert [one["status"] for one in await world.contracts()] == ["sold"]
    await ledgers_match(world, follower)


async def test_what_was_sold_while_nobody_listened_is_noticed_when_the_desk_connects_again(world, simulator, clock):
    follower = await world.follow()
    (opened,) = await world.done("buy")
    await world.until_heard(follower)
    await clock.pass_time(7)
    await simulator.tell("faults", kind="html_502", probability=1)
    await simulator.tell("faults", kind="stream_disconnect")
    await simulator.no_faults()
    await world.by_hand(follower, sell=int(opened.exchange_order_id), price=0)

    await world.until_flat(follower)

    await ledgers_match(world, follower)


@pytest.mark.parametrize("kind", ["duplicate_event", "reordered_event"])
async def test_events_that_come_twice_or_in_another_order_close_once(world, simulator, clock, kind):
    follower = await world.follow()
    await simulator.tell("faults", kind=kind, probability=1)
    await world.done("buy")
    await world.until_heard(follower)
    await clock.pass_time(32)
    await world.until_flat(follower)

    await ledgers_match(world, follower)


@pytest.mark.parametrize("kind", ["drop_after", "truncated", "empty_200", "unknown_executed", "delay_after"])
async def test_a_purchase_whose_answer_is_lost_is_adopted_and_never_made_again(world, simulator, clock, kind):
    follower = await world.follow()
    await simulator.tell("faults", kind=kind, next_n=1, call="buy")

    (opened,) = await world.done("buy")
    await clock.pass_time(32)
    await world.until_flat(follower)

    assert opened.state is State.FILLED
    assert len(await world.contracts()) == 1
    await ledgers_match(world, follower)


@pytest.mark.parametrize("kind", ["drop_before", "unknown_not_executed"])
async def test_a_purchase_that_never_arrived_is_proved_absent_and_not_made_again(world, simulator, clock, kind):
    follower = await world.follow()
    await simulator.tell("faults", kind=kind, next_n=1, call="buy")

    signal = await world.signal("buy")
    await clock.pass_time(30)
    (ended,) = await world.desk.settled(signal)

    assert ended.state is State.NOT_PLACED
    assert await world.contracts(follower) == []


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncated", "empty_200", "unknown_executed"])
async def test_a_sale_with_a_lost_answer_ends_as_one_sale(world, simulator, clock, kind):
    follower = await world.follow()
    await world.done("buy")
    await clock.pass_time(5)
    await simulator.tell("faults", kind=kind, next_n=1, call="sell")

    await world.signal("close")
    await clock.pass_time(28)
    await world.until_flat(follower)

    await ledgers_match(world, follower)


async def test_an_end_that_is_denied_for_a_while_is_waited_for(world, simulator, clock):
    follower = await world.follow()
    await simulator.tell("faults", kind="late_not_found", next_n=1, call="buy", delay_s=40)
    await world.done("buy")

    await clock.pass_time(36)
    assert await world.desk.position(follower, SYMBOL) is not None
    await clock.pass_time(15)
    await world.until_flat(follower)

    await ledgers_match(world, follower)


async def test_a_desk_that_was_away_when_a_contract_ended_finds_what_it_brought(tmp_path, simulator, clock):
    async with running_world(tmp_path, simulator, clock) as world:
        follower = await world.follow()
        bot = world.desk.bot
        await world.done("buy")
    await clock.pass_time(60)

    async with running_world(tmp_path, simulator, clock) as world:
        world.desk.bot = bot
        await world.until_flat(follower)
        await ledgers_match(world, follower)


async def test_only_the_bot_s_own_book_stakes_what_its_strategy_says(tmp_path, simulator, clock):
    book = make_account(venue=DERIV)
    async with running_world(tmp_path, simulator, clock, exchange_account_id=book.id) as world:
        own, follower = await world.follow(account=book), await world.follow()
        terms = ContractTerms(duration_s=20, stake=Decimal("2.5"), level=2, number="7/2")

        await world.done("open_short", contract=terms)

        (mine,), (theirs,) = await world.contracts(own), await world.contracts(follower)
        assert (mine["buy_price"], theirs["buy_price"]) == ("2.50", "5.00")
        await clock.pass_time(22)
        await world.until_flat(own)
        await world.until_flat(follower)
        assert {one["status"] for one in await world.contracts()} == {"lost"}


async def test_a_plan_says_what_means_nothing_to_a_contract(world):
    await world.follow(custom_leverage=20, custom_stop_loss_pct=Decimal(3), custom_take_profit_pct=Decimal(6))

    (opened,) = await world.done("buy")

    ignored = {name: value for name, value in opened.plan["numbers"].items() if name.startswith("ignored")}
    assert ignored == {"ignored_leverage": "20", "ignored_stop_loss_pct": "3", "ignored_take_profit_pct": "6"}
    assert "mean nothing" in opened.plan["rule"]


async def test_a_stake_below_the_venue_s_least_is_skipped_with_both_numbers(world):
    await world.follow(custom_margin_usd=Decimal("0.34"))

    (skipped,) = await world.done("buy")

    assert (skipped.state, skipped.plan["rule"]) == (State.SKIPPED, "stake_min")
    assert (skipped.plan["numbers"]["stake"], skipped.plan["numbers"]["stake_min"]) == ("0.34", "0.35")


async def test_a_bot_of_another_market_is_not_copied_there(tmp_path, simulator, clock):
    async with running_world(tmp_path, simulator, clock, market_type=MarketType.FUTURES) as world:
        await world.follow()

        (skipped,) = await world.done("buy")

    assert (skipped.state, skipped.plan["rule"]) == (State.SKIPPED, "market_type")
