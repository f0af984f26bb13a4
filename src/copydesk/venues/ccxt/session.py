"""One account logged in at an exchange of ccxt."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import ccxt

from copydesk.domain.errors import OrderRejected, OutcomeUnknown, VenueError, VenueUnavailable
from copydesk.domain.order import FrozenRequest, OrderRef, OrderReport, OrderStatus
from copydesk.domain.subscription import Environment, MarginMode, PositionMode
from copydesk.ports.clock import Clock
from copydesk.ports.venue import Balance, KeyPermissions, VenuePosition, VenueTrade
from copydesk.venues.ccxt import codec
from copydesk.venues.ccxt.carrier import Carrier
from copydesk.venues.ccxt.market import MarketTable

_ALREADY_SO = (ccxt.MarginModeAlreadySet, ccxt.NoChange)
_FORBIDDEN = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")

_PAGE = 500

PLACING_SHARE = 0.8
"""Of the time a placing has, when nothing more is asked about it: running out of time would lose the order's own id."""


class CcxtSession:
    """The Session of ports/venue.py over an instance of its own."""

    def __init__(self, carrier: Carrier, table: MarketTable, exchange: Any, clock: Clock) -> None:
        self._carrier = carrier
        self._table = table
        self._exchange = exchange
        self._clock = clock
        self._known = carrier.known

    async def prepare(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> PositionMode:
        """Spot has nothing to set. Elsewhere what cannot be set refuses the opening."""
        exchange, market = await self._ready(symbol)
        if market["spot"]:
            return PositionMode.ONE_WAY
        name = market["symbol"]
        await self._set(
            "setMarginMode", lambda: exchange.set_margin_mode(str(margin_mode), name, {"leverage": leverage})
        )
        await self._set("setLeverage", lambda: exchange.set_leverage(leverage, name))
        if exchange.has.get("fetchPositionMode"):
            mode = await self._carrier.ask(lambda: exchange.fetch_position_mode(name))
            return PositionMode.HEDGE if mode.get("hedged") else PositionMode.ONE_WAY
        return PositionMode.ONE_WAY

    def begin(self, request: FrozenRequest) -> None:
        """Every order takes waiting here."""

    async def place(self, request: FrozenRequest) -> OrderReport:
        started, params = asyncio.get_running_loop().time(), request.params
        exchange, market = await self._ready(params["symbol"])
        if request.conditional and not self._known.stops:
            raise OrderRejected("the desk places no stops at this exchange")
        amount = float(codec.number(params["quantity"]) / codec.contract_size(market))  # type: ignore[operator]
        price = self._price_needed(params["symbol"], params["side"])
        order = await self._carrier.ask(
            lambda: exchange.create_order(
                market["symbol"], "market", params["side"], amount, price, codec.extras(params, self._known)
            ),
            sends=True,
        )
        report = codec.read_placed(order, params["client_order_id"], market, self._known)
        try:
            async with asyncio.timeout_at(started + self._carrier.timeout_s * PLACING_SHARE):
                return await self._completed(order, report, request, market)
        except (VenueError, TimeoutError):
            return report  # the order is there: what became of it is the reconciler's next look

    async def cancel(self, order: OrderRef) -> None:
        exchange, market = await self._ready(order.symbol)
        order_id, params = self._named(order)
        try:
            await self._carrier.ask(lambda: exchange.cancel_order(order_id, market["symbol"], params))
        except VenueError as error:
            if str(error.code) not in self._known.not_found:
                raise

    async def look_up(self, order: OrderRef) -> OrderReport | None:
        """Raise OutcomeUnknown where "not found" would say nothing: no trusted id, or older than what is kept."""
        exchange, market = await self._ready(order.symbol)
        order_id, params = self._named(order)
        try:
            found = await self._carrier.ask(lambda: exchange.fetch_order(order_id, market["symbol"], params))
        except VenueError as error:
            if str(error.code) not in self._known.not_found:
                raise
            if self._clock.now() - order.placed_at > self._known.history:
                raise OutcomeUnknown("the exchange does not keep orders for so long") from error
            return None
        return await self._told(found, order.client_order_id, market)

    async def trades_since(self, symbol: str, since: datetime) -> Sequence[VenueTrade]:
        exchange, market = await self._ready(symbol)
        start = codec.milliseconds(since)
        trades = await self._carrier.ask(lambda: exchange.fetch_my_trades(market["symbol"], start, 500))
        return [codec.read_trade(trade, market) for trade in trades]

    async def orders_since(self, symbol: str, since: datetime) -> Sequence[OrderReport]:
        """Raise VenueUnavailable where the exchange is not trusted to tell our ids."""
        if not self._known.finds_by_client_id:
            raise VenueUnavailable("this exchange is not known to list orders by our ids")
        exchange, market = await self._ready(symbol)
        found: dict[str, OrderReport] = {}
        start = codec.milliseconds(since)
        while True:
            page = await self._carrier.ask(lambda: exchange.fetch_orders(market["symbol"], start, _PAGE))  # noqa: B023
            for order in page:
                report = codec.read_order(order, str(order.get("clientOrderId")), market, self._known)
                found[report.exchange_order_id] = report
            if len(page) < _PAGE:
                return list(found.values())
            # The next page begins in the last one's millisecond, so that none is left out.
            if (last := page[-1].get("timestamp") or 0) <= start:
                raise OutcomeUnknown("the exchange's list of orders does not go on after a page")
            start = last

    async def positions(self) -> Sequence[VenuePosition]:
        exchange = await self._instance()
        if self._table.is_spot:
            answer = await self._carrier.ask(exchange.fetch_balance)
            return codec.read_holdings(answer, (await self._table.instruments()).values())
        rows = await self._carrier.ask(exchange.fetch_positions)
        return codec.read_positions(rows, exchange.markets)

    async def balance(self) -> Balance:
        exchange = await self._instance()
        return codec.read_balance(await self._carrier.ask(exchange.fetch_balance))

    async def permissions(self) -> KeyPermissions:
        """Where the exchange does not tell, a signed read proves the key, and what else it may do stays unasked."""
        exchange = await self._instance()
        if not self._known.tells_permissions or self._carrier.environment is Environment.DEMO:
            await self._carrier.ask(exchange.fetch_balance)
            return KeyPermissions(asked=False, can_trade=True)
        answer = await self._carrier.ask(exchange.sapi_get_account_apirestrictions)
        return KeyPermissions(
            asked=True,
            can_trade=bool(answer.get("enableSpotAndMarginTrading")),
            forbidden=tuple(name for name in _FORBIDDEN if answer.get(name)),
        )

    def _price_needed(self, symbol: str, side: str) -> float | None:
        """Some exchanges sell coins for an amount of money, and ccxt computes it. Elsewhere a price would do harm: for
        Binance ccxt would turn a quantity into money with it (4.5.90, options.quoteOrderQty).
        """
        needed = self._table.is_spot and side == "buy" and self._exchange.has.get("createMarketBuyOrderWithCost")
        needed = needed and self._exchange.options.get("createMarketBuyOrderRequiresPrice")
        return self._table.last_price(symbol) if needed else None

    async def _instance(self) -> Any:
        await self._table.share_with(self._exchange)
        return self._exchange

    async def _ready(self, symbol: str) -> tuple[Any, Any]:
        exchange = await self._instance()
        return exchange, self._table.market(symbol)

    def _named(self, order: OrderRef) -> tuple[str | None, dict[str, Any]]:
        """By the exchange's own id where it is known, else by ours where it is trusted."""
        params: dict[str, Any] = {"trigger": True} if order.conditional and not self._table.is_spot else {}
        if order.exchange_order_id is not None:
            return order.exchange_order_id, params
        if not self._known.finds_by_client_id:
            raise OutcomeUnknown("this exchange is not known to find an order by our id: please look at the account")
        return None, params | {"clientOrderId": order.client_order_id}

    async def _completed(self, order: Any, report: OrderReport, request: FrozenRequest, market: Any) -> OrderReport:
        """What the exchange's first answer left out."""
        client_order_id = request.params["client_order_id"]
        if report.status is not OrderStatus.WORKING:
            return await self._told(order, client_order_id, market)
        if request.conditional:
            return report
        ref = OrderRef(
            symbol=request.params["symbol"],
            client_order_id=client_order_id,
            conditional=False,
            placed_at=request.frozen_at,
            exchange_order_id=report.exchange_order_id,
        )
        return await self.look_up(ref) or report

    async def _told(self, order: Any, client_order_id: str, market: Any) -> OrderReport:
        """An exchange that tells an order without its fee is asked for its trades; on spot the fee decides what is held."""
        if isinstance(order, dict) and order.get("id") and order.get("filled") and not _has_fees(order):
            try:
                trades = await self._carrier.ask(lambda: self._trades_of(order["id"], market["symbol"], order))
                order = {**order, "fees": [trade["fee"] for trade in trades if trade.get("fee")]}
            except VenueError:
                pass  # the taker's rate stands in
        return codec.read_order(order, client_order_id, market, self._known)

    def _trades_of(self, order_id: str, symbol: str, order: dict[str, Any]) -> Awaitable[Any]:
        if self._exchange.has.get("fetchOrderTrades"):
            trades: Awaitable[Any] = self._exchange.fetch_order_trades(order_id, symbol)
            return trades
        return self._my_trades_of(order_id, symbol, order.get("timestamp"))

    async def _my_trades_of(self, order_id: str, symbol: str, since: int | None) -> list[Any]:
        trades = await self._exchange.fetch_my_trades(symbol, since, 500)
        return [trade for trade in trades if str(trade.get("order")) == str(order_id)]

    async def _set(self, what: str, call: Callable[[], Awaitable[Any]]) -> None:
        if not self._exchange.has.get(what):
            raise OrderRejected(f"{self._exchange.id} offers no {what} through ccxt")
        try:
            await self._carrier.ask(call)
        except VenueError as error:
            if not isinstance(error.__cause__, _ALREADY_SO):
                raise


def _has_fees(order: dict[str, Any]) -> bool:
    return any(fee and fee.get("cost") is not None for fee in [order.get("fee"), *(order.get("fees") or [])])
