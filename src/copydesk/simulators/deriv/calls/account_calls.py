"""Sign-in, money, and what was and is held."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from copydesk.simulators.deriv.calls.call import Call, id_of, named
from copydesk.simulators.deriv.calls.session import Answer, Json, Subscription
from copydesk.simulators.deriv.calls.trade_calls import visible
from copydesk.simulators.deriv.calls.wording import longcode, shortcode
from copydesk.simulators.deriv.exchange.account import Account, Transaction
from copydesk.simulators.deriv.exchange.contract import Contract
from copydesk.simulators.deriv.exchange.exchange import Booked, Event
from copydesk.simulators.deriv.exchange.refusals import RefusedError

_STATEMENT_LIMIT, _PROFITS_LIMIT = 100, 50


def authorize(call: Call) -> list[Answer]:
    account = call.exchange.accounts.get(call.get("authorize"))
    if account is None:
        raise RefusedError("InvalidToken")
    if account.disabled:
        raise RefusedError("DisabledClient")
    call.session.sign_in(account)
    company = "virtual" if account.is_virtual else "svg"
    listed = {
        "account_type": "trading",
        "created_at": account.created,
        "currency": account.currency,
        "is_disabled": 0,
        "is_virtual": int(account.is_virtual),
        "landing_company_name": company,
        "loginid": account.loginid,
    }
    content = {
        "account_list": [listed],
        "balance": account.balance,
        "country": "id",
        "currency": account.currency,
        "email": f"{account.loginid.lower()}@example.com",
        "fullname": "" if account.is_virtual else f"Simulated {account.loginid}",
        "is_virtual": int(account.is_virtual),
        "landing_company_fullname": "Simulated Company",
        "landing_company_name": company,
        "local_currencies": {},
        "loginid": account.loginid,
        "preferred_language": "EN",
        "scopes": list(account.scopes),
        "upgradeable_landing_companies": [],
        "user_id": account.user_id,
    }
    return [Answer(name="authorize", content=content)]


def logout(call: Call) -> list[Answer]:
    call.session.sign_in(None)
    return [Answer(name="logout", content=1)]


def get_account_status(call: Call) -> list[Answer]:
    """What the official JavaScript client wants to know of an account before it trusts it."""
    content = {
        "currency_config": {call.account.currency: {"is_deposit_suspended": 0, "is_withdrawal_suspended": 0}},
        "p2p_status": "none",
        "prompt_client_to_authenticate": 0,
        "risk_classification": "low",
        "status": [],
    }
    return [Answer(name="get_account_status", content=content)]


def payout_currencies(call: Call) -> list[Answer]:
    """The account's own one, when somebody is signed in."""
    account = call.session.account
    return [Answer(name="payout_currencies", content=["USD" if account is None else account.currency])]


def balance(call: Call) -> list[Answer]:
    account = call.account
    if call.get("account") == "all":
        raise RefusedError("PermissionDenied", "Permission denied, balances of all accounts require oauth token")
    hear = partial(_hear_balance, account)
    subscription = call.subscribe("balance", ("balance", None), hear, is_private=True)
    return [_balance(account, subscription)]


def transaction(call: Call) -> list[Answer]:
    """A stream only; its first message says no more than its id."""
    subscription = call.subscribe(
        "transaction", ("transaction", None), partial(_hear_transaction, call), is_private=True
    )
    return [Answer(name="transaction", content=named(subscription), subscription=id_of(subscription))]


def portfolio(call: Call) -> list[Answer]:
    rows = [_held(call, each) for each in visible(call) if not each.is_settled]
    wanted = call.get("contract_type")
    chosen = [row for row in rows if wanted is None or row["contract_type"] in wanted]
    return [Answer(name="portfolio", content={"contracts": chosen})]


def statement(call: Call) -> list[Answer]:
    """Newest first."""
    contracts = {each.contract_id: each for each in visible(call)}
    chosen = [
        each
        for each in reversed(call.account.transactions)
        if (each.contract_id is None or each.contract_id in contracts)
        and call.get("action_type") in {None, each.action}
        and call.get("date_from", 0) <= each.time <= call.get("date_to", each.time)
    ]
    page = _page(call, chosen, _STATEMENT_LIMIT)
    rows = [_booked(call, each, contracts.get(each.contract_id or 0)) for each in page]
    return [Answer(name="statement", content={"count": len(rows), "transactions": rows})]


def profit_table(call: Call) -> list[Answer]:
    """What is over, by the time it was bought."""
    since, until = _epoch(call.get("date_from"), 0), _epoch(call.get("date_to"), call.now_ms // 1_000)
    wanted = call.get("contract_type")
    chosen = [
        each
        for each in visible(call)
        if each.is_settled
        and since <= each.purchase_time <= until
        and (wanted is None or each.terms.contract_type in wanted)
    ]
    if call.get("sort") != "ASC":
        chosen.reverse()
    rows = [_profit(call, each) for each in _page(call, chosen, _PROFITS_LIMIT)]
    return [Answer(name="profit_table", content={"count": len(rows), "transactions": rows})]


def _hear_balance(account: Account, event: Event, subscription: Subscription) -> Iterator[Answer]:
    if isinstance(event, Booked) and event.account is account:
        yield _balance(account, subscription)


def _hear_transaction(call: Call, event: Event, subscription: Subscription) -> Iterator[Answer]:
    if not isinstance(event, Booked) or event.account is not call.session.account:
        return
    booked, contract = event.transaction, event.contract
    content = {
        "action": booked.action,
        "amount": booked.amount,
        "balance": booked.balance_after,
        "currency": event.account.currency,
        "id": subscription.id,
        "transaction_id": booked.transaction_id,
        "transaction_time": booked.time,
    }
    if contract is not None:
        content |= {
            "barrier": None if contract.entry is None else str(contract.terms.barrier_from(contract.entry.quote)),
            "contract_id": contract.contract_id,
            "date_expiry": contract.date_expiry,
            "display_name": contract.terms.market.display_name,
            "longcode": longcode(contract.terms),
            call.session.dialect.symbol: contract.terms.symbol,
        }
        if booked.action == "sell":
            content["purchase_time"] = contract.purchase_time
    yield Answer(name="transaction", content=content, subscription=subscription.id)


def _balance(account: Account, subscription: Subscription | None) -> Answer:
    content = {
        "balance": account.balance,
        "currency": account.currency,
        **named(subscription),
        "loginid": account.loginid,
    }
    return Answer(name="balance", content=content, subscription=id_of(subscription))


def _held(call: Call, contract: Contract) -> Json:
    return {
        "app_id": contract.app_id,
        "buy_price": contract.buy_price,
        "contract_id": contract.contract_id,
        "contract_type": contract.terms.contract_type,
        "currency": contract.terms.currency,
        "date_start": contract.purchase_time,
        "expiry_time": contract.date_expiry,
        "longcode": longcode(contract.terms),
        "payout": contract.payout,
        "purchase_time": contract.purchase_time,
        "shortcode": shortcode(contract),
        call.session.dialect.symbol: contract.terms.symbol,
        "transaction_id": contract.buy_transaction,
    }


def _booked(call: Call, booked: Transaction, contract: Contract | None) -> Json:
    row: Json = {
        "action_type": booked.action,
        "amount": booked.amount,
        "app_id": None if contract is None else contract.app_id,
        "balance_after": booked.balance_after,
        "contract_id": booked.contract_id,
        "payout": None if contract is None else contract.payout,
        "reference_id": booked.reference_id,
        "transaction_id": booked.transaction_id,
        "transaction_time": booked.time,
    }
    if contract is not None and booked.action == "sell":
        row["purchase_time"] = contract.purchase_time
    return row | _described(call, contract)


def _profit(call: Call, contract: Contract) -> Json:
    row: Json = {
        "app_id": contract.app_id,
        "buy_price": contract.buy_price,
        "contract_id": contract.contract_id,
        "duration_type": {"t": "tick", "d": "day"}.get(contract.terms.unit, "second"),
        "payout": contract.payout,
        "purchase_time": contract.purchase_time,
        "sell_price": contract.sell_price,
        "sell_time": contract.sell_time,
        "transaction_id": contract.buy_transaction,
    }
    return row | _described(call, contract)


def _described(call: Call, contract: Contract | None) -> Json:
    if call.get("description") != 1:
        return {}
    if contract is None:
        return {"longcode": "Simulated payment", "shortcode": None}
    return {"longcode": longcode(contract.terms), "shortcode": shortcode(contract)}


def _page(call: Call, rows: list[Any], limit: int) -> list[Any]:
    offset = int(call.get("offset", 0))
    return rows[offset : offset + int(call.get("limit", limit))]


def _epoch(value: Any, default: int) -> int:
    """Of an epoch, or of a day written YYYY-MM-DD: its first second."""
    if value is None:
        return default
    if "-" not in str(value):
        return int(value)
    try:
        year, month, day = (int(part) for part in str(value).split("-"))
        return int(datetime(year, month, day, tzinfo=UTC).timestamp())
    except ValueError as error:
        told = f"Input validation failed: {value}"
        raise RefusedError("InputValidationFailed", told, {"date": str(error)}) from None
