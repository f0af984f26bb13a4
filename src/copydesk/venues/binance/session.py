"""One account logged in at Binance futures."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec.structs import replace

from copydesk.domain.errors import OrderRejected, OutcomeUnknown, VenueError
from copydesk.domain.order import FrozenRequest, OrderRef, OrderReport
from copydesk.domain.subscription import Environment, MarginMode, PositionMode
from copydesk.ports.venue import Balance, KeyPermissions, VenuePosition, VenueTrade
from copydesk.venues.binance import codec
from copydesk.venues.binance.order_sockets import result_of
from copydesk.venues.binance.refusals import ALREADY_SO, BLOCKED_BY_POSITION, NOT_FOUND
from copydesk.venues.binance.transport import Transport

_PAGE = 1_000

_MARGIN_TYPE = {MarginMode.ISOLATED: "ISOLATED", MarginMode.CROSS: "CROSSED"}


class BinanceSession:
    """The Session of ports/venue.py over a shared Transport."""

    def __init__(self, transport: Transport, environment: Environment, credentials: Mapping[str, str]) -> None:
        self.transport = transport
        self._environment = environment
        self._credentials = credentials
        self._mode: PositionMode | None = None

    async def prepare(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> PositionMode:
        mode = await self._one_way_if_possible()
        await self.transport.sockets.warm(self._credentials["api_key"])
        wanted = _MARGIN_TYPE[margin_mode]
        await self._set("marginType", {"symbol": symbol, "marginType": wanted}, f"margin mode {margin_mode}")
        answer = await self._call("POST", "leverage", {"symbol": symbol, "leverage": leverage})
        if not isinstance(answer, dict) or answer.get("leverage") != leverage:
            raise OutcomeUnknown(f"Binance did not confirm leverage {leverage} on {symbol}")
        return mode

    def begin(self, request: FrozenRequest) -> asyncio.Future[OrderReport] | None:
        """A conditional order may have to be looked up once it is placed: that takes waiting."""
        if request.conditional:
            return None
        read = partial(codec.read_order, client_order_id=request.params["newClientOrderId"])
        return self.transport.begin(self._credentials, "order", request.params, read)

    async def place(self, request: FrozenRequest) -> OrderReport:
        if not request.conditional:
            answer = await self._call("POST", "order", request.params)
            return codec.read_order(answer, request.params["newClientOrderId"])
        answer = await self._call("POST", "algoOrder", request.params)
        shown = codec.read_algo_order(answer, request.params["clientAlgoId"])
        if isinstance(shown, str):
            return await self._became(shown, request.params["symbol"], request.params["clientAlgoId"])
        return shown

    async def cancel(self, order: OrderRef) -> None:
        path, name = ("algoOrder", "clientAlgoId") if order.conditional else ("order", "origClientOrderId")
        try:
            await self._call("DELETE", path, {"symbol": order.symbol, name: order.client_order_id})
        except VenueError as error:
            if error.code not in NOT_FOUND:
                raise

    async def look_up(self, order: OrderRef) -> OrderReport | None:
        path, name = ("algoOrder", "clientAlgoId") if order.conditional else ("order", "origClientOrderId")
        try:
            answer = await self._call("GET", path, {"symbol": order.symbol, name: order.client_order_id})
        except VenueError as error:
            if error.code in NOT_FOUND:
                return None
            raise
        if not order.conditional:
            return codec.read_order(answer, order.client_order_id)
        shown = codec.read_algo_order(answer, order.client_order_id)
        if isinstance(shown, str):
            return await self._became(shown, order.symbol, order.client_order_id)
        return shown

    async def trades_since(self, symbol: str, since: datetime) -> Sequence[VenueTrade]:
        params = {"symbol": symbol, "startTime": codec.milliseconds(since), "limit": 1000}
        return codec.read_trades(await self._call("GET", "userTrades", params))

    async def orders_since(self, symbol: str, since: datetime) -> Sequence[OrderReport]:
        """`since`: at most seven days ago, which is as far back as the venue lists (Query All Algo Orders)."""
        plain = await self._all("allOrders", "orderId", symbol, since)
        reports = []
        for row in (await self._all("allAlgoOrders", "algoId", symbol, since)).values():
            client_id = str(row.get("clientAlgoId"))
            shown = codec.read_algo_order(row, client_id)
            if isinstance(shown, str):
                shown = await self._became(shown, symbol, client_id, plain.pop(int(shown), None))
            reports.append(shown)
        # What is left of the conditional kind became of one that was made before `since`, and is no order of its own.
        own = [row for row in plain.values() if not codec.became_of_conditional(row.get("origType"))]
        return [*reports, *(codec.read_order(row, str(row.get("clientOrderId"))) for row in own)]

    async def open_listen_key(self) -> str:
        """The account's key of the user-data stream, good for 60 minutes; asking again keeps the one there is."""
        answer = await self._call("POST", "listenKey", {})
        if not isinstance(answer, dict) or not answer.get("listenKey"):
            raise OutcomeUnknown("Binance told no listen key")
        return str(answer["listenKey"])

    async def keep_listen_key(self) -> None:
        await self._call("PUT", "listenKey", {})

    async def positions(self) -> Sequence[VenuePosition]:
        return codec.read_positions(await self._call("GET", "positionRisk", {}, api="fapiPrivateV3"))

    async def balance(self) -> Balance:
        answer = await self._call("GET", "account", {}, api="fapiPrivateV3")
        return Balance(
            total_usd=Decimal(answer["totalWalletBalance"]), available_usd=Decimal(answer["availableBalance"])
        )

    async def wallet_over_socket(self, at: datetime) -> Decimal | None:
        """`balance`'s total, asked where this account's orders go; `at` by the venue's clock. None where there is no connection."""
        params = {"timestamp": str(codec.milliseconds(at)), "recvWindow": str(codec.RECV_WINDOW_MS)}
        key, secret = self._credentials["api_key"], self._credentials["api_secret"]
        await self.transport.sockets.warm(key)
        answer = await self.transport.sockets.ask("account.status", params, key, secret)
        return None if answer is None else Decimal(result_of(answer)["totalWalletBalance"])

    async def permissions(self) -> KeyPermissions:
        """Binance's demo has no such route: there the key is proved by a signed read and marked unasked."""
        if self._environment is Environment.DEMO:
            await self._call("GET", "account", {}, api="fapiPrivateV3")
            return KeyPermissions(asked=False, can_trade=True)
        return codec.read_permissions(await self._call("GET", "account/apiRestrictions", {}, api="sapi"))

    async def _all(self, path: str, id_name: str, symbol: str, since: datetime) -> dict[int, Mapping[str, Any]]:
        """Every row from `since` on by its id: the first page by time, each further one from the next id on."""
        rows: dict[int, Mapping[str, Any]] = {}
        start: dict[str, int] = {"startTime": codec.milliseconds(since)}
        while True:
            answer = await self._call("GET", path, {"symbol": symbol, "limit": _PAGE, **start})
            page = codec.read_rows(answer, id_name)
            if len(page) == _PAGE and page.keys() <= rows.keys():
                raise OutcomeUnknown(f"Binance's {path} does not go on after a page")
            rows |= page
            if len(page) < _PAGE:
                return rows
            start = {id_name: max(page) + 1}

    async def _became(self, order_id: str, symbol: str, client_order_id: str, row: Any = None) -> OrderReport:
        answer = row or await self._call("GET", "order", {"symbol": symbol, "orderId": order_id})
        its_id = answer.get("clientOrderId", "") if isinstance(answer, dict) else ""
        return replace(codec.read_order(answer, its_id), client_order_id=client_order_id)

    async def _one_way_if_possible(self) -> PositionMode:
        """One-way is what the desk sets; an account that holds positions in hedge mode is served as it is."""
        if self._mode is None:
            try:
                await self._call("POST", "positionSide/dual", {"dualSidePosition": "false"})
                self._mode = PositionMode.ONE_WAY
            except VenueError as error:
                if error.code not in ALREADY_SO | BLOCKED_BY_POSITION:
                    raise
                self._mode = PositionMode.ONE_WAY if error.code in ALREADY_SO else await self._position_mode()
        return self._mode

    async def _position_mode(self) -> PositionMode:
        answer = await self._call("GET", "positionSide/dual", {})
        return PositionMode.HEDGE if answer["dualSidePosition"] else PositionMode.ONE_WAY

    async def _set(self, path: str, params: Mapping[str, str], what: str) -> None:
        try:
            await self._call("POST", path, params)
        except VenueError as error:
            if error.code in BLOCKED_BY_POSITION:
                raise OrderRejected(f"{what} cannot be set while orders or positions are open") from error
            if error.code not in ALREADY_SO:
                raise

    async def _call(self, method: str, path: str, params: Mapping[str, object], *, api: str = "fapiPrivate") -> Any:
        return await self.transport.signed(self._credentials, method, path, params, api)
