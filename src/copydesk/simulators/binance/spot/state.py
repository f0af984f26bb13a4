"""Spot's part of the state file: wallets with their orders, fills and order lists, and the numbers given out so far."""

from decimal import Decimal

import msgspec

from copydesk.simulators.binance.exchange.state import StateFileError
from copydesk.simulators.binance.spot.records import Fill, Order, OrderList
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.binance.spot.wallet import Balance, Wallet


class StoredWallet(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    api_key: str
    created_ms: int
    update_ms: int
    start: dict[str, Decimal]
    balances: dict[str, Balance]
    orders: list[Order]
    fills: list[Fill]
    lists: list[OrderList]


class StoredSpot(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    last_order_id: int
    last_trade_id: int
    last_list_id: int
    wallets: list[StoredWallet]


_decoder = msgspec.json.Decoder(StoredSpot | None)


def stored(spot: Spot) -> StoredSpot:
    return StoredSpot(
        last_order_id=spot.last_order_id,
        last_trade_id=spot.last_trade_id,
        last_list_id=spot.last_list_id,
        wallets=[
            StoredWallet(
                api_key=wallet.api_key,
                created_ms=wallet.created_ms,
                update_ms=wallet.update_ms,
                start=wallet.start,
                balances=wallet.balances,
                orders=list(wallet.orders.values()),
                fills=wallet.fills,
                lists=list(wallet.lists.values()),
            )
            for wallet in spot.wallets.values()
        ],
    )


def restore(spot: Spot, raw: msgspec.Raw) -> None:
    """Raises StateFileError on a damaged part; a file from before there was spot has none."""
    try:
        kept = _decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise StateFileError(f"spot: not written by this simulator ({error})") from None
    if kept is None:
        return
    spot.last_order_id = kept.last_order_id
    spot.last_trade_id = kept.last_trade_id
    spot.last_list_id = kept.last_list_id
    for each in kept.wallets:
        wallet = Wallet(
            api_key=each.api_key,
            created_ms=each.created_ms,
            update_ms=each.update_ms,
            start=each.start,
            balances=each.balances,
            lists={orders.list_id: orders for orders in each.lists},
        )
        for order in each.orders:
            wallet.keep(order)
        for fill in each.fills:
            wallet.keep_fill(fill)
        spot.adopt(wallet)
