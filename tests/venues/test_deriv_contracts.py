"""What a desk may expect of Deriv, over both of its APIs, on a venue whose clock stands until it is moved."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal

import pytest

from copydesk.domain.errors import CredentialsRefused, OrderRejected, OutcomeUnknown, VenueUnavailable
from copydesk.domain.order import OrderStatus
from copydesk.domain.signal import Direction, LegKind
from copydesk.domain.subscription import Environment, MarginMode
from copydesk.domain.venue import DERIV
from copydesk.ports.venue import ContractEnded, ContractsHeld, StreamOpened
from copydesk.venues.deriv import Apps, Deriv
from deriv_support import SYMBOL, SimulatedTime, running_deriv, trader_at
from store_support import make_account


@pytest.fixture
async def simulator():
    async with running_deriv(virtual_time=True) as running:
        yield running


@pytest.fixture
async def clock(simulator):
    """1HZ100V stands at 1,500."""
    clock = SimulatedTime(simulator)
    await simulator.hold("1500")
    await clock.pass_time(1)
    return clock


@pytest.fixture(params=["legacy", "options"])
def is_new(request):
    return request.param == "options"


@pytest.fixture
async def venue(simulator, clock, is_new):
    apps = Apps(options="desk") if is_new else Apps()
    venue = Deriv(clock, simulator_url=simulator.url, timeout_s=3, allow_live=False, apps=apps)
    yield venue
    await venue.close()


@pytest.fixture
async def trader(simulator, venue, clock, is_new):
    return await trader_at(simulator, venue, clock, login=is_new)


async def test_a_purchase_is_a_position_of_its_stake_at_a_price_of_one(trader, simulator):
    report = await trader.buy(stake="2.50")

    (contract,) = await simulator.contracts()
    assert (report.status, report.executed_quantity, report.average_price) == (OrderStatus.FILLED, Decimal("2.5"), 1)
    assert report.exchange_order_id == str(contract["contract_id"])
    assert (contract["type"], contract["buy_price"], contract["symbol"]) == ("CALL", "2.50", SYMBOL)
    assert Decimal(report.plan["payout"]) == Decimal(contract["payout"])


async def test_a_short_direction_buys_a_put_of_the_duration_that_was_frozen(trader, simulator, clock):
    await trader.buy(direction=Direction.SHORT, duration_s="30")

    assert [(one["type"], one["status"]) for one in await simulator.contracts()] == [("PUT", "open")]
    await clock.pass_time(31)
    assert [one["status"] for one in await simulator.contracts()] == ["lost"]


async def test_a_contract_that_has_won_closes_with_the_venue_s_own_profit(trader, simulator, clock):
    bought = await trader.buy(stake="10")
    await clock.pass_time(2)
    await simulator.hold("1501")
    await clock.pass_time(60)

    closed = await trader.close(bought.exchange_order_id, stake="10")

    (contract,) = await simulator.contracts()
    assert (closed.status, closed.reason, closed.executed_quantity) == (OrderStatus.FILLED, "won", 10)
    assert closed.gross_usd == Decimal(contract["sell_price"]) - 10
    assert closed.average_price == Decimal(contract["sell_price"]) / 10


async def test_a_contract_that_has_lost_closes_at_nothing_with_its_stake_lost(trader, clock):
    bought = await trader.buy(stake="10")
    await clock.pass_time(61)

    closed = await trader.close(bought.exchange_order_id, stake="10")

    assert (closed.reason, closed.gross_usd, closed.average_price) == ("lost", -10, 0)


async def test_an_open_contract_is_sold_by_its_number_and_no_other_is_touched(trader, simulator, clock):
    await trader.buy(stake="3")
    bought = await trader.buy(stake="5")
    await clock.pass_time(5)

    sold = await trader.close(bought.exchange_order_id, stake="5")

    status = {str(one["contract_id"]): one["status"] for one in await simulator.contracts()}
    assert status[bought.exchange_order_id] == "sold"
    assert sorted(status.values()) == ["open", "sold"]
    assert (sold.status, sold.reason) == (OrderStatus.FILLED, "sold")
    brought = next(one["sell_price"] for one in await simulator.contracts() if one["status"] == "sold")
    assert sold.gross_usd == Decimal(brought) - 5


async def test_a_contract_that_has_just_been_bought_is_sold_once_it_has_begun(trader, clock):
    bought = await trader.buy()

    sold = await trader.close(bought.exchange_order_id)

    assert (sold.status, sold.reason) == (OrderStatus.FILLED, "sold")
    assert clock.slept_s


async def test_what_nobody_buys_back_any_more_waits_for_its_own_end(trader, clock):
    bought = await trader.buy()
    await clock.pass_time(50)
    request = trader.frozen(LegKind.CLOSE, contract_id=bought.exchange_order_id)

    waiting = await trader.session.place(request)
    still = await trader.session.look_up(trader.ref(request, exchange_order_id=waiting.exchange_order_id))
    await clock.pass_time(11)
    over = await trader.session.look_up(trader.ref(request, exchange_order_id=waiting.exchange_order_id))

    assert [one.status for one in (waiting, still, over)] == [OrderStatus.WORKING] * 2 + [OrderStatus.FILLED]
    assert (over.reason, over.gross_usd) == ("lost", -1)


async def test_a_close_that_only_waits_sells_nothing_while_the_contract_lives(trader, simulator, clock):
    bought = await trader.buy()
    await clock.pass_time(5)

    waiting = await trader.close(bought.exchange_order_id, only_wait="yes")

    assert waiting.status is OrderStatus.WORKING
    assert [one["status"] for one in await simulator.contracts()] == ["open"]


async def test_a_purchase_is_found_again_by_its_terms_while_it_lives_and_afterwards(trader, simulator, clock):
    request = trader.frozen()
    bought = await trader.session.place(request)
    await trader.buy(stake="2")
    await trader.buy(direction=Direction.SHORT)
    await trader.buy(duration_s="61")

    living = await trader.session.look_up(trader.ref(request))
    await clock.pass_time(70)
    over = await trader.session.look_up(trader.ref(request))

    assert len(await simulator.contracts()) == 4
    for found in (living, over):
        assert (found.status, found.exchange_order_id) == (OrderStatus.FILLED, bought.exchange_order_id)
        assert (found.executed_quantity, found.average_price) == (1, 1)


async def test_a_purchase_that_never_was_is_not_found(trader):
    await trader.buy(stake="2")

    assert await trader.session.look_up(trader.ref(trader.frozen())) is None


async def test_a_like_purchase_of_another_time_or_another_execution_is_not_taken_for_it(trader, clock):
    before = await trader.buy()
    await clock.pass_time(5)
    request = trader.frozen()
    theirs = await trader.buy()

    found = await trader.session.look_up(trader.ref(request, others=frozenset({theirs.exchange_order_id})))

    assert before.exchange_order_id != theirs.exchange_order_id
    assert found is None


async def test_two_contracts_that_fit_are_put_before_a_person(trader, simulator):
    request = trader.frozen()
    await trader.session.place(request)
    await trader.session.place(request)

    found = await trader.session.look_up(trader.ref(request))

    assert found.needs_person
    assert all(str(one["contract_id"]) in found.reason for one in await simulator.contracts())


@pytest.mark.parametrize("kind", ["drop_after", "truncated", "empty_200", "unknown_executed", "delay_after"])
async def test_a_purchase_whose_answer_is_lost_is_unknown_and_found_again_once(trader, simulator, kind):
    await trader.session.prepare(SYMBOL, leverage=1, margin_mode=MarginMode.ISOLATED)
    await simulator.tell("faults", kind=kind, next_n=1, call="buy")
    request = trader.frozen()

    with pytest.raises(OutcomeUnknown):
        await trader.session.place(request)
    found = await trader.session.look_up(trader.ref(request))

    (contract,) = await simulator.contracts()
    assert found.exchange_order_id == str(contract["contract_id"])


@pytest.mark.parametrize("kind", ["drop_before", "unknown_not_executed", "ban"])
async def test_a_purchase_that_was_lost_on_its_way_is_unknown_and_not_found(trader, simulator, clock, kind):
    await trader.session.prepare(SYMBOL, leverage=1, margin_mode=MarginMode.ISOLATED)
    await simulator.tell("faults", kind=kind, next_n=1, call="buy", delay_s=1)
    request = trader.frozen()

    with pytest.raises(OutcomeUnknown):
        await trader.session.place(request)
    await clock.pass_time(2)

    assert await trader.session.look_up(trader.ref(request)) is None
    assert await simulator.contracts() == []


@pytest.mark.parametrize("call", ["introduction", "transaction", "proposal"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncated", "empty_200", "unknown_executed"])
async def test_whatever_breaks_before_buy_leaves_has_bought_nothing(trader, simulator, is_new, call, kind):
    introduction = "balance" if is_new else "authorize"
    await simulator.tell("faults", kind=kind, next_n=1, call=introduction if call == "introduction" else call)

    with pytest.raises(VenueUnavailable):
        await trader.buy()

    assert await simulator.contracts() == []
    assert (await trader.buy()).status is OrderStatus.FILLED


async def test_a_page_of_html_in_the_place_of_a_connection_has_bought_nothing(trader, simulator):
    await simulator.tell("faults", kind="html_502", next_n=1)

    with pytest.raises(VenueUnavailable):
        await trader.buy()

    assert (await trader.buy()).status is OrderStatus.FILLED
    assert len(await simulator.contracts()) == 1


async def test_a_second_purchase_of_a_kind_waits_for_nobody_and_buys_nothing(trader, simulator):
    await trader.session.prepare(SYMBOL, leverage=1, margin_mode=MarginMode.ISOLATED)

    both = await asyncio.gather(trader.buy(), trader.buy(), return_exceptions=True)

    assert [type(one) for one in both if isinstance(one, Exception)] == [VenueUnavailable]
    assert len(await simulator.contracts()) == 1


@pytest.mark.parametrize(
    "code",
    [
        "ContractBuyValidationError",
        "ContractCreationFailure",
        "InsufficientBalance",
        "InvalidContractProposal",
        "InvalidtoBuy",
        "MarketIsClosed",
        "OfferingsValidationError",
        "PriceMoved",
    ],
)
async def test_a_code_on_the_list_is_a_definite_refusal(trader, simulator, code):
    await simulator.tell("faults", kind="refuse", code=code, next_n=1, call="buy")

    with pytest.raises(OrderRejected) as refused:
        await trader.buy()

    assert refused.value.code == code


async def test_a_stake_beyond_the_venue_s_limits_is_refused_with_its_numbers(trader):
    with pytest.raises(OrderRejected, match="50000"):
        await trader.buy(stake="100000")


async def test_a_stake_that_the_account_has_not_is_refused(trader):
    with pytest.raises(OrderRejected) as refused:
        await trader.buy(stake="2000")

    assert refused.value.code == "InsufficientBalance"


async def test_a_throttled_purchase_was_not_made(trader, simulator):
    await simulator.tell("faults", kind="rate_limit", next_n=1, call="buy")

    with pytest.raises(VenueUnavailable) as refused:
        await trader.buy()

    assert refused.value.retry_after_s
    assert await simulator.contracts() == []


@pytest.mark.parametrize("kind", ["drop_after", "truncated", "empty_200", "unknown_executed"])
async def test_a_sale_whose_answer_is_lost_is_found_by_its_contract(trader, simulator, clock, kind):
    bought = await trader.buy()
    await clock.pass_time(5)
    await simulator.tell("faults", kind=kind, next_n=1, call="sell")
    request = trader.frozen(LegKind.CLOSE, contract_id=bought.exchange_order_id)

    with pytest.raises(OutcomeUnknown):
        await trader.session.place(request)
    found = await trader.session.look_up(trader.ref(request))

    assert (found.status, found.reason) == (OrderStatus.FILLED, "sold")


async def test_a_sale_that_never_arrived_is_not_found_and_done_again_sells_once(trader, simulator, clock):
    bought = await trader.buy()
    await clock.pass_time(5)
    await simulator.tell("faults", kind="drop_before", next_n=1, call="sell")
    request = trader.frozen(LegKind.CLOSE, contract_id=bought.exchange_order_id)

    with pytest.raises(OutcomeUnknown):
        await trader.session.place(request)
    assert await trader.session.look_up(trader.ref(request)) is None
    first = await trader.session.place(request)
    again = await trader.session.place(request)

    assert first.gross_usd == again.gross_usd
    assert [one["status"] for one in await simulator.contracts()] == ["sold"]


async def test_a_contract_that_the_stream_told_and_no_list_shows_is_no_absence(trader, simulator):
    await trader.session.prepare(SYMBOL, leverage=1, margin_mode=MarginMode.ISOLATED)
    await simulator.tell("faults", kind="late_not_found", next_n=1, call="buy", delay_s=30)
    await simulator.tell("faults", kind="unknown_executed", next_n=1, call="buy")
    request = trader.frozen()

    with pytest.raises(OutcomeUnknown):
        await trader.session.place(request)
    with pytest.raises(OutcomeUnknown, match="does not list it yet"):
        await trader.session.look_up(trader.ref(request))


async def test_the_stream_tells_what_is_held_and_what_ends_twice_or_once(trader, simulator, clock):
    bought = await trader.buy(duration_s="15")
    async with aclosing(trader.venue.listen({"one": trader.session})) as told:
        opened, held = await anext(told), await anext(told)
        await simulator.tell("faults", kind="duplicate_event", next_n=1)
        await clock.pass_time(16)
        ended = await anext(told)

    assert isinstance(opened, StreamOpened)
    assert isinstance(held, ContractsHeld)
    assert (held.account_id, held.contract_ids) == ("one", {bought.exchange_order_id})
    assert ended == ContractEnded(account_id="one", contract_id=bought.exchange_order_id)


async def test_a_stream_that_is_cut_ends_and_the_next_one_tells_what_is_left(trader, simulator, clock):
    await trader.buy(duration_s="15")
    async with aclosing(trader.venue.listen({"one": trader.session})) as told:
        await anext(told)
        await anext(told)
        await simulator.tell("faults", kind="stream_disconnect")
        with pytest.raises(VenueUnavailable):
            await anext(told)
    await clock.pass_time(16)
    async with aclosing(trader.venue.listen({"one": trader.session})) as told:
        await anext(told)
        held = await anext(told)

    assert held.contract_ids == frozenset()


async def test_one_refused_token_leaves_the_other_accounts_heard(trader, venue, is_new):
    stranger = venue.open_session(
        make_account(venue=DERIV), {"token": "nobody" * 6} | ({"login": "VRTC1"} if is_new else {})
    )
    async with aclosing(venue.listen({"one": trader.session, "two": stranger})) as told:
        opened = await anext(told)

    assert opened.accounts == {"one"}


async def test_a_token_that_nobody_has_is_refused(venue, is_new):
    credentials = {"token": "nobody" * 6} | ({"login": "VRTC1"} if is_new else {})

    with pytest.raises(CredentialsRefused):
        await venue.open_session(make_account(venue=DERIV), credentials).balance()


async def test_money_positions_and_permissions_are_told(trader, is_new):
    await trader.buy(stake="3")
    await trader.buy(stake="4", direction=Direction.SHORT)

    balance, held = await trader.session.balance(), await trader.session.positions()

    assert balance.available_usd == 993
    assert {(one.symbol, one.direction): one.quantity for one in held} == {
        (SYMBOL, Direction.LONG): 3,
        (SYMBOL, Direction.SHORT): 4,
    }
    permissions = await trader.session.permissions()
    assert (permissions.can_trade, permissions.asked, permissions.forbidden) == (True, not is_new, ())


async def test_a_quote_has_steps_and_a_price_and_strangers_have_none(venue):
    quote = await venue.quote(Environment.SIMULATOR, SYMBOL)

    assert (quote.last_price, quote.instrument.quantity_min) == (1500, Decimal("0.35"))
    assert quote.instrument.price_tick == Decimal("0.01")
    assert await venue.quote(Environment.SIMULATOR, "BTCUSDT") is None
    assert {SYMBOL, "R_100"} <= await venue.symbols(Environment.SIMULATOR)


async def test_the_venue_s_clock_is_known_better_than_the_whole_seconds_it_tells(venue):
    reading = await venue.read_clock(Environment.SIMULATOR)

    assert abs(reading.offset_s) <= reading.uncertainty_s <= 0.5


async def test_candles_come_oldest_first_with_the_open_one_last(venue, clock):
    market = venue.market(Environment.SIMULATOR)

    found = await market.candles(SYMBOL, 60, since_ms=None, most=5)
    since = found[1].start_ms
    later = await market.candles(SYMBOL, 60, since_ms=since, most=3)

    assert [one.start_ms - found[0].start_ms for one in found] == [60_000 * number for number in range(5)]
    assert found[-1].start_ms <= clock.now_ms < found[-1].start_ms + 60_000
    assert [one.start_ms for one in later] == [since, since + 60_000, since + 120_000]
    assert later[0] == found[1]


async def test_a_request_that_is_frozen_twice_is_the_same_request(trader, clock):
    one, two = (trader.venue.freeze(order(trader), mode="hedge", at=clock.now()) for _ in range(2))

    assert one == two
    assert one.settle_at >= clock.now() + timedelta(seconds=10)


def order(trader):
    from copydesk.domain.order import NewOrder
    from copydesk.domain.signal import Side

    return NewOrder(
        client_order_id="cd-same",
        symbol=SYMBOL,
        leg=LegKind.OPEN,
        side=Side.BUY,
        direction=Direction.LONG,
        quantity=Decimal(1),
        reduce_only=False,
        inputs={"duration_s": "60"},
    )
