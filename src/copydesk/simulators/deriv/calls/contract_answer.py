"""`proposal_open_contract`: everything there is to say about one contract; only keys of the published schema."""

from copydesk.simulators.deriv.calls.dialect import Dialect
from copydesk.simulators.deriv.calls.session import Json
from copydesk.simulators.deriv.calls.wording import longcode, shortcode
from copydesk.simulators.deriv.exchange.contract import Contract, Phase
from copydesk.simulators.deriv.exchange.exchange import Exchange
from copydesk.simulators.deriv.exchange.feed import Tick
from copydesk.simulators.deriv.exchange.pricing import cents
from copydesk.simulators.deriv.exchange.terms import DAY_S


def open_contract(exchange: Exchange, contract: Contract, dialect: Dialect) -> Json:
    terms, bid = contract.terms, exchange.bid(contract)
    profit = bid - contract.buy_price
    money = dialect.money
    ended = contract.date_expiry
    return {
        **_entry(contract),
        **_now(exchange, contract, dialect),
        **_end(contract, dialect),
        "barrier_count": 1,
        "bid_price": money(bid),
        "buy_price": money(contract.buy_price),
        "contract_id": contract.contract_id,
        "contract_type": terms.contract_type,
        "currency": terms.currency,
        "date_expiry": ended,
        "date_settlement": ended + 1 if terms.ticks is None else ended,
        "date_start": contract.purchase_time,
        "display_name": terms.market.display_name,
        "expiry_time": ended,
        "is_expired": int(contract.phase in {Phase.EXPIRED, Phase.WON, Phase.LOST}),
        "is_forward_starting": 0,
        "is_intraday": int(ended - contract.purchase_time <= DAY_S),
        "is_path_dependent": 0,
        "is_settleable": int(contract.phase in {Phase.EXPIRED, Phase.WON, Phase.LOST}),
        "is_sold": int(contract.is_settled),
        "is_valid_to_cancel": 0,
        **_sale(exchange, contract),
        "longcode": longcode(terms),
        "payout": money(contract.payout),
        "profit": money(profit),
        "profit_percentage": cents(profit * 100 / contract.buy_price),
        "purchase_time": contract.purchase_time,
        "shortcode": shortcode(contract),
        "status": "open" if contract.phase is Phase.EXPIRED else str(contract.phase),
        **_ticks(contract),
        "transaction_ids": {
            "buy": contract.buy_transaction,
            **({} if contract.sell_transaction is None else {"sell": contract.sell_transaction}),
        },
        ("underlying" if dialect.symbol == "symbol" else dialect.symbol): terms.symbol,
    }


def _entry(contract: Contract) -> Json:
    """Nothing yet before the entry tick has come."""
    entry = contract.entry
    if entry is None:
        return {"entry_spot": None, "entry_spot_display_value": None}
    return {
        "barrier": str(contract.terms.barrier_from(entry.quote)),
        "entry_spot": entry.quote,
        "entry_spot_display_value": str(entry.quote),
        "entry_tick": entry.quote,
        "entry_tick_display_value": str(entry.quote),
        "entry_tick_time": entry.epoch,
    }


def _now(exchange: Exchange, contract: Contract, dialect: Dialect) -> Json:
    """The spot now; of what is over, that of its end."""
    tick = contract.exit or exchange.feeds[contract.terms.symbol].last
    return {
        "current_spot": dialect.money(tick.quote),
        "current_spot_display_value": str(tick.quote),
        "current_spot_time": tick.epoch,
    }


def _end(contract: Contract, dialect: Dialect) -> Json:
    found: Json = {}
    if (tick := contract.exit) is not None:
        found |= {"exit_tick": tick.quote, "exit_tick_display_value": str(tick.quote), "exit_tick_time": tick.epoch}
        if contract.is_settled:
            found |= {"sell_spot": tick.quote, "sell_spot_display_value": str(tick.quote), "sell_spot_time": tick.epoch}
    if contract.sell_price is not None:
        found |= {"sell_price": dialect.money(contract.sell_price), "sell_time": contract.sell_time}
    return found


def _sale(exchange: Exchange, contract: Contract) -> Json:
    if not contract.is_open:
        return {"is_valid_to_sell": int(contract.phase is Phase.EXPIRED)}
    reason = exchange.unsaleable(contract)
    if reason is None:
        return {"is_valid_to_sell": 1}
    return {"is_valid_to_sell": 0, "validation_error": reason, "validation_error_code": "General"}


def _ticks(contract: Contract) -> Json:
    if contract.terms.ticks is None:
        return {}
    return {"tick_count": contract.terms.ticks, "tick_stream": [_row(each) for each in contract.ticks]}


def _row(tick: Tick) -> Json:
    return {"epoch": tick.epoch, "tick": tick.quote, "tick_display_value": str(tick.quote)}
