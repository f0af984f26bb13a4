"""Accounts and orders kept in one JSON file across restarts; written whole, then put in place in one step."""

import os
from decimal import Decimal
from pathlib import Path

import msgspec

from copydesk.simulators.binance.exchange.account import Account, Setting
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.funding import Paid
from copydesk.simulators.binance.exchange.position import Position
from copydesk.simulators.binance.exchange.records import Algo, Fill, Income, MarginChange, Order


class StateFileError(ValueError):
    """The file was not written by this simulator; it is left as it is."""


class StoredAccount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    api_key: str
    api_secret: str
    start_balance: Decimal
    wallet: Decimal
    created_ms: int
    hedge: bool
    maker_rate: Decimal
    taker_rate: Decimal
    permissions: dict[str, bool]
    positions: dict[str, Position]
    settings: dict[str, Setting]
    orders: list[Order]
    algos: list[Algo]
    fills: list[Fill]
    multi_assets: bool = False
    fee_burn: bool = False
    bnb: Decimal = Decimal(0)
    incomes: list[Income] = []
    margin_changes: list[MarginChange] = []
    countdowns: dict[str, int] = {}
    called: bool = False


class Stored(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    last_order_id: int
    last_algo_id: int
    last_trade_id: int
    accounts: list[StoredAccount]
    spot: msgspec.Raw = msgspec.Raw(b"null")
    last_income_id: int = 0
    last_amendment_id: int = 0
    funding_rates: dict[str, Decimal] = {}
    funding_paid: list[Paid] = []


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Stored)


def save(exchange: Exchange, path: Path, *, spot: msgspec.Struct) -> None:
    """After a crash the file is the old one or the new one, never half of either. ``spot`` is that surface's own part."""
    content = _encoder.encode(
        Stored(
            last_order_id=exchange.last_order_id,
            last_algo_id=exchange.last_algo_id,
            last_trade_id=exchange.last_trade_id,
            accounts=[_stored(account) for account in exchange.accounts.values()],
            spot=msgspec.Raw(_encoder.encode(spot)),
            last_income_id=exchange.last_income_id,
            last_amendment_id=exchange.last_amendment_id,
            funding_rates=exchange.funding.rates,
            funding_paid=exchange.funding.paid,
        )
    )
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load(exchange: Exchange, path: Path) -> msgspec.Raw:
    """Nothing to do when the file does not exist yet; answers the part of spot. Raises StateFileError on a foreign or damaged file."""
    if not path.exists():
        return msgspec.Raw(b"null")
    try:
        stored = _decoder.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise StateFileError(f"{path}: not a state file of this simulator ({error})") from None
    exchange.last_order_id = stored.last_order_id
    exchange.last_algo_id = stored.last_algo_id
    exchange.last_trade_id = stored.last_trade_id
    exchange.last_income_id = stored.last_income_id
    exchange.last_amendment_id = stored.last_amendment_id
    exchange.funding.rates.update(stored.funding_rates)
    exchange.funding.paid.extend(stored.funding_paid)
    for each in stored.accounts:
        exchange.adopt(_account(each))
    return stored.spot


def _stored(account: Account) -> StoredAccount:
    return StoredAccount(
        api_key=account.api_key,
        api_secret=account.api_secret,
        start_balance=account.start_balance,
        wallet=account.wallet,
        created_ms=account.created_ms,
        hedge=account.hedge,
        maker_rate=account.maker_rate,
        taker_rate=account.taker_rate,
        permissions=account.permissions,
        positions=account.positions,
        settings=account.settings,
        orders=list(account.book.orders.values()),
        algos=list(account.book.algos.values()),
        fills=account.book.fills,
        multi_assets=account.multi_assets,
        fee_burn=account.fee_burn,
        bnb=account.bnb,
        incomes=account.incomes,
        margin_changes=account.margin_changes,
        countdowns=account.countdowns,
        called=account.called,
    )


def _account(stored: StoredAccount) -> Account:
    account = Account(
        api_key=stored.api_key,
        api_secret=stored.api_secret,
        start_balance=stored.start_balance,
        wallet=stored.wallet,
        created_ms=stored.created_ms,
        hedge=stored.hedge,
        maker_rate=stored.maker_rate,
        taker_rate=stored.taker_rate,
        permissions=stored.permissions,
        positions=stored.positions,
        settings=stored.settings,
        multi_assets=stored.multi_assets,
        fee_burn=stored.fee_burn,
        bnb=stored.bnb,
        incomes=stored.incomes,
        margin_changes=stored.margin_changes,
        countdowns=stored.countdowns,
        called=stored.called,
    )
    for order in stored.orders:
        account.book.keep(order)
    for algo in stored.algos:
        account.book.keep_algo(algo)
    for fill in stored.fills:
        account.book.keep_fill(fill)
    return account
