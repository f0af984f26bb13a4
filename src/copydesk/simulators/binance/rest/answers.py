"""What the venue answers about orders, fills, positions and accounts: the full documented shapes."""

from decimal import Decimal
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.position import Position
from copydesk.simulators.binance.exchange.records import ZERO, Algo, Fill, Order
from copydesk.simulators.binance.exchange.text import money, plain

Json = dict[str, Any]


def order_answer(order: Order) -> Json:
    """The order as it stands (newOrderRespType=RESULT, and every query adds ``time``)."""
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": plain(order.price),
        "avgPrice": plain(order.average),
        "origQty": plain(order.quantity),
        "executedQty": plain(order.executed),
        "cumQty": plain(order.executed),
        "cumQuote": plain(order.quote),
        "timeInForce": order.time_in_force,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": plain(order.stop_price),
        "workingType": order.working_type,
        "priceProtect": order.price_protect,
        "origType": order.orig_type or order.type,
        "priceMatch": order.price_match,
        "selfTradePreventionMode": order.prevention,
        "goodTillDate": order.good_till_ms,
        "updateTime": order.update_ms,
    }


def ack_answer(order: Order) -> Json:
    """The order as it was taken, whatever has happened since: the default answer."""
    return {
        **order_answer(order),
        "status": "NEW",
        "avgPrice": "0.00",
        "executedQty": "0",
        "cumQty": "0",
        "cumQuote": "0",
    }


def order_query(order: Order) -> Json:
    return {**order_answer(order), "time": order.time_ms}


def amended_answer(order: Order, modify_id: int | None = None) -> Json:
    answer = {**order_answer(order), "pair": order.symbol}
    return answer if modify_id is None else {**answer, "modifyId": modify_id}


def forced_answer(order: Order) -> Json:
    return {**order_query(order), "pair": order.symbol, "cumBase": "0"}


def amendment_answer(order: Order, number: int) -> Json:
    """The ``number``th change of an order, counted from 0."""
    change = order.amendments[number]
    answer: Json = {
        "amendmentId": change.amendment_id,
        "symbol": order.symbol,
        "pair": order.symbol,
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "time": change.time_ms,
        "amendment": {
            "price": {"before": plain(change.price_before), "after": plain(change.price)},
            "origQty": {"before": plain(change.quantity_before), "after": plain(change.quantity)},
            "count": number + 1,
        },
    }
    if change.modify_id is not None:
        answer["amendment"]["modifyId"] = change.modify_id
    return answer


def algo_answer(algo: Algo) -> Json:
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": algo.type,
        "symbol": algo.symbol,
        "side": algo.side,
        "positionSide": algo.position_side,
        "timeInForce": algo.time_in_force,
        "quantity": plain(algo.quantity),
        "algoStatus": algo.status,
        "triggerPrice": plain(algo.trigger_price),
        "price": plain(algo.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": algo.prevention,
        "workingType": algo.working_type,
        "priceMatch": algo.price_match,
        "closePosition": algo.close_position,
        "priceProtect": algo.price_protect,
        "reduceOnly": algo.reduce_only,
        "activatePrice": plain(algo.activate_price) if algo.activate_price else "",
        "callbackRate": plain(algo.callback_rate) if algo.callback_rate else "",
        "createTime": algo.time_ms,
        "updateTime": algo.update_ms,
        "triggerTime": algo.trigger_ms,
        "goodTillDate": algo.good_till_ms,
    }


def algo_query(algo: Algo, account: Account) -> Json:
    order = None if algo.order_id is None else account.book.orders.get(algo.order_id)
    return {
        **algo_answer(algo),
        "actualOrderId": "" if order is None else str(order.order_id),
        "actualPrice": plain(ZERO if order is None else order.average),
        "actualQty": plain(ZERO if order is None else order.executed),
        "actualType": "" if order is None else order.type,
        "tpTriggerPrice": "0",
        "tpPrice": "0",
        "slTriggerPrice": "0",
        "slPrice": "0",
        "tpOrderType": "",
        "rejectReason": algo.reason,
    }


def trade_answer(fill: Fill) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side,
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "realizedPnl": plain(fill.realized),
        "quoteQty": plain(fill.quantity * fill.price),
        "commission": plain(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "positionSide": fill.position_side,
        "buyer": fill.side == "BUY",
        "maker": fill.maker,
    }


def liquidation_price(exchange: Exchange, account: Account, position: Position) -> str:
    """Where margin balance meets maintenance margin (fact sheet §2.4); ``0`` when there is none."""
    instrument, mark = exchange.instrument(position.symbol), exchange.mark(position.symbol)
    notional = abs(position.quantity) * mark
    bracket = instrument.bracket(notional)
    if account.setting(position.symbol).isolated:
        wallet = position.isolated_wallet
    else:
        others = [other for other in account.held() if other is not position]
        upkeep = sum((_maintenance(exchange, other) for other in others), ZERO)
        profit = sum((other.unrealized(exchange.mark(other.symbol)) for other in others), ZERO)
        wallet = account.cross_wallet() - upkeep + profit
    divisor = abs(position.quantity) * bracket.maintenance - position.quantity
    price = (wallet + bracket.cum - position.cost) / divisor if divisor else ZERO
    return plain(max(price, ZERO))


def adl_quantile(account: Account, position: Position, mark: Decimal) -> int:
    """0 to 4: the more a position has won on its margin, the earlier it is taken for somebody's bankruptcy."""
    margin = account.position_margin(position, mark)
    if not margin:
        return 0
    return min(4, max(0, int(position.unrealized(mark) * 4 / margin) + (position.unrealized(mark) > 0)))


def position_answer(exchange: Exchange, account: Account, position: Position, version: int) -> Json:
    mark = exchange.mark(position.symbol)
    setting = account.setting(position.symbol)
    common = {
        "symbol": position.symbol,
        "positionSide": position.side,
        "positionAmt": plain(position.quantity),
        "entryPrice": plain(position.entry),
        "breakEvenPrice": plain(position.entry),
        "markPrice": money(mark),
        "unRealizedProfit": money(position.unrealized(mark)),
        "liquidationPrice": liquidation_price(exchange, account, position) if position.quantity else "0",
        "isolatedMargin": _isolated_margin(account, position, mark),
        "notional": money(position.quantity * mark),
        "isolatedWallet": plain(position.isolated_wallet),
        "updateTime": position.update_ms,
        "adl": adl_quantile(account, position, mark),
    }
    if version < 3:  # noqa: PLR2004  # v3 of the endpoint dropped what belongs to the symbol, see symbolConfig
        return {
            **common,
            "maxNotionalValue": plain(exchange.instrument(position.symbol).notional_cap(setting.leverage)),
            "marginType": "isolated" if setting.isolated else "cross",
            "isAutoAddMargin": "false",
            "leverage": str(setting.leverage),
            "adlQuantile": common["adl"],
        }
    margin = account.position_margin(position, mark)
    waiting = account.orders_margin(position.symbol)
    return {
        **common,
        "marginAsset": "USDT",
        "initialMargin": money(margin + waiting),
        "maintMargin": money(_maintenance(exchange, position)),
        "positionInitialMargin": money(margin),
        "openOrderInitialMargin": money(waiting),
        "bidNotional": plain(account.book.waiting_notional(position.symbol, "BUY")),
        "askNotional": plain(account.book.waiting_notional(position.symbol, "SELL")),
    }


def balance_answer(exchange: Exchange, account: Account) -> list[Json]:
    available = money(account.available(exchange.mark))
    dollars = {
        "accountAlias": "SgsR",
        "asset": "USDT",
        "balance": money(account.wallet),
        "crossWalletBalance": money(account.cross_wallet()),
        "crossUnPnl": money(account.cross_unrealized(exchange.mark)),
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "marginAvailable": True,
        "updateTime": account.created_ms,
    }
    return [dollars, _coins(dollars, account.bnb)] if account.bnb else [dollars]


def _coins(dollars: Json, amount: Decimal) -> Json:
    """BNB lies beside the dollars: fees are paid from it, margin is not."""
    names = {"balance", "walletBalance", "marginBalance", "crossWalletBalance", "availableBalance", "maxWithdrawAmount"}
    kept = {"accountAlias", "updateTime"}
    coins = {
        name: money(amount) if name in names else value if name in kept else "0.00000000"
        for name, value in dollars.items()
    }
    return {**coins, "asset": "BNB", **({"marginAvailable": True} if "marginAvailable" in dollars else {})}


def account_answer(exchange: Exchange, account: Account, version: int) -> Json:
    totals = _totals(exchange, account)
    asset = {
        "asset": "USDT",
        "walletBalance": totals["totalWalletBalance"],
        "unrealizedProfit": totals["totalUnrealizedProfit"],
        "marginBalance": totals["totalMarginBalance"],
        "maintMargin": totals["totalMaintMargin"],
        "initialMargin": totals["totalInitialMargin"],
        "positionInitialMargin": totals["totalPositionInitialMargin"],
        "openOrderInitialMargin": totals["totalOpenOrderInitialMargin"],
        "crossWalletBalance": totals["totalCrossWalletBalance"],
        "crossUnPnl": totals["totalCrossUnPnl"],
        "availableBalance": totals["availableBalance"],
        "maxWithdrawAmount": totals["availableBalance"],
        "updateTime": account.created_ms,
    }
    if version < 3:  # noqa: PLR2004  # v3 of the endpoint dropped the permissions and what is flat
        asset["marginAvailable"] = True
    assets = [asset, _coins(asset, account.bnb)] if account.bnb else [asset]
    shown = every_position(account) if version < 3 else list(account.held())  # noqa: PLR2004  # as above
    positions = [_account_position(exchange, account, position, version) for position in shown]
    permits = _permits(account) if version < 3 else {}  # noqa: PLR2004  # as above
    return {**permits, **totals, "assets": assets, "positions": positions}


def every_position(account: Account, symbol: str | None = None) -> list[Position]:
    """One a symbol in one-way mode, LONG and SHORT in hedge mode, flat ones too: as the second version of endpoints lists them."""
    sides = ("LONG", "SHORT") if account.hedge else ("BOTH",)
    return [account.position(each, side) for each in INSTRUMENTS if symbol in {None, each} for side in sides]


def _permits(account: Account) -> Json:
    return {
        "feeTier": 0,
        "feeBurn": account.fee_burn,
        "canTrade": account.permissions["enableFutures"],
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
    }


def _totals(exchange: Exchange, account: Account) -> Json:
    profit = account.unrealized(exchange.mark)
    positions = account.positions_margin(exchange.mark)
    orders = account.orders_margin()
    available = money(account.available(exchange.mark))
    return {
        "totalInitialMargin": money(positions + orders),
        "totalMaintMargin": money(sum((_maintenance(exchange, each) for each in account.held()), ZERO)),
        "totalWalletBalance": money(account.wallet),
        "totalUnrealizedProfit": money(profit),
        "totalMarginBalance": money(account.wallet + profit),
        "totalPositionInitialMargin": money(positions),
        "totalOpenOrderInitialMargin": money(orders),
        "totalCrossWalletBalance": money(account.cross_wallet()),
        "totalCrossUnPnl": money(account.cross_unrealized(exchange.mark)),
        "availableBalance": available,
        "maxWithdrawAmount": available,
    }


def _account_position(exchange: Exchange, account: Account, position: Position, version: int) -> Json:
    mark = exchange.mark(position.symbol)
    setting = account.setting(position.symbol)
    answer: Json = {
        "symbol": position.symbol,
        "positionSide": position.side,
        "positionAmt": plain(position.quantity),
        "unrealizedProfit": money(position.unrealized(mark)),
        "isolatedMargin": _isolated_margin(account, position, mark),
        "notional": money(position.quantity * mark),
        "isolatedWallet": plain(position.isolated_wallet),
        "initialMargin": money(account.position_margin(position, mark)),
        "maintMargin": money(_maintenance(exchange, position)),
        "updateTime": position.update_ms,
    }
    if version < 3:  # noqa: PLR2004  # v3 of the endpoint dropped these
        answer |= {
            "entryPrice": plain(position.entry),
            "breakEvenPrice": plain(position.entry),
            "leverage": str(setting.leverage),
            "isolated": setting.isolated,
            "positionInitialMargin": answer["initialMargin"],
            "openOrderInitialMargin": money(account.orders_margin(position.symbol)),
            "maxNotional": plain(exchange.instrument(position.symbol).notional_cap(setting.leverage)),
            "bidNotional": "0",
            "askNotional": "0",
        }
    return answer


def _isolated_margin(account: Account, position: Position, mark: Decimal) -> str:
    isolated = account.setting(position.symbol).isolated
    return money(position.isolated_wallet + position.unrealized(mark)) if isolated else "0.00000000"


def _maintenance(exchange: Exchange, position: Position) -> Decimal:
    notional = abs(position.quantity) * exchange.mark(position.symbol)
    return exchange.instrument(position.symbol).maintenance(notional)
