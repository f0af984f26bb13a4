"""What every venue must do, whatever it is: one suite, one subclass a venue."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.errors import OrderRejected, VenueUnavailable
from copydesk.domain.ids import new_id
from copydesk.domain.instrument import round_down
from copydesk.domain.order import NewOrder, OrderRef, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import Environment, MarginMode
from copydesk.ports.venue import OrderNews, StreamOpened
from desk_support import CLOCK

SYMBOL = "BTCUSDT"
QUANTITY = Decimal("0.005")


async def heard(told, wanted):
    """News until one fits."""
    async with asyncio.timeout(10):
        async for news in told:
            if isinstance(news, OrderNews) and wanted(news):
                return news
    return None


class VenueConformance:
    """A subclass gives the fixtures `venue`, `session` (an account with funds) and `market` (its `hold` sets prices).

    A venue that tells news needs `other`, a second account, and a market whose `tell` plants faults.

    A spot venue holds coins: its fee comes out of them, and what it is asked to sell beyond them it refuses.
    """

    @pytest.fixture
    def other(self):
        """Asked for only where the venue tells news."""

    def received(self, venue, report):
        return report.executed_quantity - report.base_fee if venue.traits.is_spot else report.executed_quantity

    async def sellable(self, venue, report):
        """What of a purchase can be sold again, in whole steps."""
        quote = await venue.quote(Environment.SIMULATOR, SYMBOL)
        return round_down(self.received(venue, report), quote.instrument.quantity_step)

    async def ready(self, session):
        return await session.prepare(SYMBOL, leverage=10, margin_mode=MarginMode.ISOLATED)

    async def place(self, venue, session, leg=LegKind.OPEN, *, side=Side.BUY, quantity=QUANTITY, trigger=None):
        mode = await self.ready(session)
        order = NewOrder(
            client_order_id=f"cd-{new_id(CLOCK.now())}",
            symbol=SYMBOL,
            leg=leg,
            side=side,
            direction=Direction.LONG,
            quantity=quantity,
            reduce_only=leg is not LegKind.OPEN,
            trigger_price=trigger,
        )
        request = venue.freeze(order, mode=mode, at=CLOCK.now())
        ref = OrderRef(
            symbol=SYMBOL,
            client_order_id=order.client_order_id,
            conditional=trigger is not None,
            placed_at=CLOCK.now(),
        )
        return await session.place(request), ref

    async def test_a_market_order_fills_wholly_and_tells_its_price(self, venue, session):
        report, ref = await self.place(venue, session)

        assert report.status is OrderStatus.FILLED
        assert report.client_order_id == ref.client_order_id
        assert report.executed_quantity == QUANTITY
        assert abs(report.average_price - 95_200) < 1
        assert report.exchange_order_id

    async def test_an_order_is_found_again_by_our_own_id(self, venue, session):
        placed, ref = await self.place(venue, session)

        found = await session.look_up(ref)

        assert (found.status, found.exchange_order_id) == (placed.status, placed.exchange_order_id)
        assert found.executed_quantity == placed.executed_quantity

    async def test_an_order_that_never_was_is_not_found(self, session):
        await self.ready(session)
        ref = OrderRef(symbol=SYMBOL, client_order_id="cd-nobody", conditional=False, placed_at=CLOCK.now())

        assert await session.look_up(ref) is None

    async def test_a_conditional_order_that_never_was_is_not_found(self, session):
        await self.ready(session)
        ref = OrderRef(symbol=SYMBOL, client_order_id="cd-nobody", conditional=True, placed_at=CLOCK.now())

        assert await session.look_up(ref) is None

    async def test_positions_show_what_was_opened_and_nothing_once_closed(self, venue, session):
        bought, _ = await self.place(venue, session)
        (held,) = await session.positions()
        quantity = await self.sellable(venue, bought)
        await self.place(venue, session, LegKind.CLOSE, side=Side.SELL, quantity=quantity)

        assert (held.symbol, held.direction) == (SYMBOL, Direction.LONG)
        assert held.quantity == self.received(venue, bought)
        rest = list(await session.positions())
        assert rest == []

    async def test_a_close_never_sells_more_than_is_held(self, venue, session):
        bought, _ = await self.place(venue, session)

        if venue.traits.is_spot:
            with pytest.raises(OrderRejected):
                await self.place(venue, session, LegKind.CLOSE, side=Side.SELL, quantity=3 * QUANTITY)
            (held,) = await session.positions()
            assert held.quantity == self.received(venue, bought)
        else:
            report, _ = await self.place(venue, session, LegKind.CLOSE, side=Side.SELL, quantity=3 * QUANTITY)
            assert report.executed_quantity == QUANTITY
            assert list(await session.positions()) == []

    async def test_a_close_without_a_position_is_definitely_rejected(self, venue, session):
        with pytest.raises(OrderRejected):
            await self.place(venue, session, LegKind.CLOSE, side=Side.SELL)

    async def test_a_stop_works_until_it_is_cancelled_and_a_second_cancel_does_no_harm(self, venue, session):
        bought, _ = await self.place(venue, session)
        quantity = await self.sellable(venue, bought)
        below = Decimal(90_000)
        stop, ref = await self.place(
            venue, session, LegKind.STOP_LOSS, side=Side.SELL, quantity=quantity, trigger=below
        )

        await session.cancel(ref)
        await session.cancel(ref)

        assert stop.status is OrderStatus.WORKING
        assert (await session.look_up(ref)).status is OrderStatus.CANCELLED

    @pytest.mark.parametrize(("leg", "trigger"), [(LegKind.STOP_LOSS, 93_000), (LegKind.TAKE_PROFIT, 97_000)])
    async def test_a_stop_or_target_closes_the_position_when_the_price_comes(
        self, venue, session, market, leg, trigger
    ):
        bought, _ = await self.place(venue, session)
        quantity = await self.sellable(venue, bought)
        _, ref = await self.place(venue, session, leg, side=Side.SELL, quantity=quantity, trigger=Decimal(trigger))

        await market.hold(SYMBOL, trigger + (100 if leg is LegKind.TAKE_PROFIT else -100))
        await CLOCK.sleep(1.1)
        found = await session.look_up(ref)

        assert (found.status, found.executed_quantity) == (OrderStatus.FILLED, quantity)
        assert found.client_order_id == ref.client_order_id
        rest = list(await session.positions())
        assert rest == []

    async def test_a_stop_beyond_the_price_is_refused_at_once(self, venue, session):
        await self.place(venue, session)

        with pytest.raises(OrderRejected):
            await self.place(venue, session, LegKind.STOP_LOSS, side=Side.SELL, trigger=Decimal(99_000))

    async def test_the_trade_list_shows_each_fill_with_its_order(self, venue, session):
        report, _ = await self.place(venue, session)

        (trade,) = await session.trades_since(SYMBOL, CLOCK.now() - timedelta(minutes=1))

        assert (trade.exchange_order_id, trade.side, trade.quantity) == (
            report.exchange_order_id,
            Side.BUY,
            QUANTITY,
        )
        assert trade.fee_usd == pytest.approx(report.fee_usd)

    async def test_setting_an_account_up_twice_changes_nothing(self, session):
        assert await self.ready(session) == await self.ready(session)

    async def test_a_frozen_request_is_the_same_request_every_time(self, venue):
        at = CLOCK.now()
        order = NewOrder(
            client_order_id="cd-same",
            symbol=SYMBOL,
            leg=LegKind.OPEN,
            side=Side.BUY,
            direction=Direction.LONG,
            quantity=QUANTITY,
            reduce_only=False,
        )

        one, two = (venue.freeze(order, mode="one_way", at=at) for _ in range(2))

        assert one == two
        assert one.settle_at >= at

    async def test_funds_and_permissions_are_told(self, session):
        balance, permissions = await session.balance(), await session.permissions()

        assert balance.available_usd > 0
        assert permissions.can_trade
        assert permissions.forbidden == ()

    async def test_a_quote_has_steps_and_a_price_and_strangers_have_none(self, venue):
        quote = await venue.quote(Environment.SIMULATOR, SYMBOL)

        assert Decimal(0) < quote.instrument.quantity_step <= Decimal("0.001")
        assert quote.markets == venue.traits.markets
        assert abs(quote.last_price - 95_200) < 1
        assert await venue.quote(Environment.SIMULATOR, "NOSUCHCOIN") is None
        assert SYMBOL in await venue.symbols(Environment.SIMULATOR)

    async def test_the_venue_s_clock_is_told_with_how_wrong_it_may_be(self, venue):
        reading = await venue.read_clock(Environment.SIMULATOR)

        assert abs(reading.offset_s) < 1
        assert 0 <= reading.uncertainty_s < 1

    async def stop(self, venue, session, quantity, trigger):
        return await self.place(
            venue, session, LegKind.STOP_LOSS, side=Side.SELL, quantity=quantity, trigger=Decimal(trigger)
        )

    async def trigger(self, session, market, stop):
        await market.hold(SYMBOL, 92_900)
        await CLOCK.sleep(1.1)
        await session.look_up(stop)  # paper's stops trigger when somebody looks

    async def test_the_list_of_orders_shows_each_once_by_our_id_whatever_became_of_it(self, venue, session, market):
        since = CLOCK.now() - timedelta(minutes=1)
        bought, opened = await self.place(venue, session)
        quantity = await self.sellable(venue, bought)
        _, cancelled = await self.stop(venue, session, quantity, 90_000)
        await session.cancel(cancelled)
        _, stopped = await self.stop(venue, session, quantity, 93_000)
        await self.trigger(session, market, stopped)

        listed = await session.orders_since(SYMBOL, since)

        assert sorted(one.client_order_id for one in listed) == sorted(
            one.client_order_id for one in (opened, cancelled, stopped)
        )
        of = {one.client_order_id: one for one in listed}
        assert (of[opened.client_order_id].status, of[opened.client_order_id].executed_quantity) == (
            OrderStatus.FILLED,
            QUANTITY,
        )
        assert of[cancelled.client_order_id].status is OrderStatus.CANCELLED
        found = await session.look_up(stopped)
        shown = of[stopped.client_order_id]
        assert (shown.status, shown.executed_quantity) == (OrderStatus.FILLED, quantity)
        assert (shown.exchange_order_id, shown.average_price) == (found.exchange_order_id, found.average_price)
        assert await session.orders_since(SYMBOL, CLOCK.now() + timedelta(minutes=1)) == []

    async def test_the_list_of_orders_shows_a_stop_that_stands(self, venue, session):
        bought, _ = await self.place(venue, session)
        stop, ref = await self.stop(venue, session, await self.sellable(venue, bought), 90_000)

        listed = await session.orders_since(SYMBOL, CLOCK.now() - timedelta(minutes=1))

        (shown,) = [one for one in listed if one.client_order_id == ref.client_order_id]
        assert (shown.status, shown.executed_quantity) == (OrderStatus.WORKING, 0)
        assert shown.exchange_order_id == stop.exchange_order_id

    async def test_a_stop_from_before_is_not_listed_though_it_triggers_later(self, venue, session, market):
        """Else what it became would look like an order of ours that nobody sent."""
        bought, _ = await self.place(venue, session)
        _, stopped = await self.stop(venue, session, await self.sellable(venue, bought), 93_000)
        await CLOCK.sleep(0.01)
        since = CLOCK.now()
        await self.trigger(session, market, stopped)

        assert await session.orders_since(SYMBOL, since) == []

    async def test_news_of_an_order_say_what_a_look_would_show(self, venue, session):
        if not venue.traits.tells_news:
            with pytest.raises(VenueUnavailable):
                await anext(venue.listen({"one": session}))
            return
        async with aclosing(venue.listen({"one": session})) as told:
            assert isinstance(await anext(told), StreamOpened)
            _, ref = await self.place(venue, session)
            news = await heard(told, lambda news: news.report and news.report.status is OrderStatus.FILLED)

        found = await session.look_up(ref)
        assert (news.account_id, news.client_order_id) == ("one", ref.client_order_id)
        assert replace(news.report, evidence={}) == replace(found, evidence={})

    async def test_a_stop_that_triggers_is_told_by_its_own_id_and_has_to_be_looked_up(self, venue, session, market):
        if not venue.traits.tells_news:
            return
        async with aclosing(venue.listen({"one": session})) as told:
            await anext(told)
            bought, _ = await self.place(venue, session)
            quantity = await self.sellable(venue, bought)
            _, ref = await self.stop(venue, session, quantity, 93_000)
            await market.hold(SYMBOL, 92_900)
            seen = []

            def has_triggered(news):
                seen.append(news)
                return news.client_order_id == ref.client_order_id and news.report is None

            assert await heard(told, has_triggered)

        of_stop = [news.report for news in seen if news.client_order_id == ref.client_order_id and news.report]
        assert {report.status for report in of_stop} <= {OrderStatus.WORKING}
        found = await session.look_up(ref)
        assert (found.status, found.executed_quantity) == (OrderStatus.FILLED, quantity)

    async def test_two_accounts_on_one_connection_are_told_apart(self, venue, session, other):
        if not venue.traits.tells_news:
            return
        async with aclosing(venue.listen({"one": session, "two": other})) as told:
            await anext(told)
            _, first = await self.place(venue, session)
            _, second = await self.place(venue, other)
            one = await heard(told, lambda news: news.client_order_id == first.client_order_id)
            two = await heard(told, lambda news: news.client_order_id == second.client_order_id)

        assert (one.account_id, two.account_id) == ("one", "two")

    async def test_a_stream_that_is_cut_says_so(self, venue, session, market):
        if not venue.traits.tells_news:
            return
        async with aclosing(venue.listen({"one": session})) as told:
            await anext(told)
            await market.tell("faults", kind="stream_disconnect")

            with pytest.raises(VenueUnavailable):
                await heard(told, lambda _news: False)
