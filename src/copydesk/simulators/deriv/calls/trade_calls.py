"""Prices, purchases, sales, and what becomes of a contract."""

from collections.abc import Iterator
from functools import partial

from copydesk.simulators.deriv.calls.call import Call, id_of, named
from copydesk.simulators.deriv.calls.contract_answer import open_contract
from copydesk.simulators.deriv.calls.reading import decimal, read_terms
from copydesk.simulators.deriv.calls.session import Answer, Subscription
from copydesk.simulators.deriv.calls.wording import longcode, shortcode
from copydesk.simulators.deriv.exchange.contract import Contract
from copydesk.simulators.deriv.exchange.exchange import Changed, Event, Exchange, Ticked
from copydesk.simulators.deriv.exchange.refusals import RefusedError
from copydesk.simulators.deriv.exchange.terms import DAY_S, Terms, price

_WITH_PARAMETERS = "1"


def proposal(call: Call) -> list[Answer]:
    terms = read_terms(call, call.request)
    _price(call.exchange, terms)
    wish = {name: value for name, value in call.request.items() if name not in {"req_id", "passthrough"}}
    key = ("proposal", *sorted((name, str(value)) for name, value in wish.items()), "this proposal")
    subscription = call.subscribe("proposal", key, partial(_hear_proposal, call.exchange, terms))
    id = subscription.id if subscription is not None else str(call.session.new_id())
    call.session.offer(id, terms)
    return [_proposal(call.exchange, terms, id, subscription)]


def buy(call: Call) -> list[Answer]:
    """By a proposal's id, which ends that proposal, or by parameters."""
    account = call.account
    _check_owner(call)
    id = str(call.get("buy"))
    if id == _WITH_PARAMETERS:
        if "parameters" not in call.request:
            told = "Input validation failed: parameters"
            raise RefusedError("InputValidationFailed", told, {"parameters": "Missing property."})
        terms = read_terms(call, call.get("parameters"))
    elif id in call.session.proposals:
        terms = call.session.proposals[id]
    else:
        raise RefusedError("InvalidContractProposal")
    if terms.currency != account.currency:
        raise RefusedError("ContractBuyValidationError", f"The provided currency {terms.currency} is invalid.")
    if call.wants_stream:  # a stream that can not be had must be refused before money moves
        call.session.expect_new(("contract", call.exchange.numbers.contract + 1))
    contract = call.exchange.buy(account, terms, price_max=decimal(call.get("price")), app_id=call.session.app_id)
    call.session.forget(id)
    subscription = _subscribe(call, contract.contract_id)
    content = {
        "balance_after": account.balance,
        "buy_price": contract.buy_price,
        "contract_id": contract.contract_id,
        "longcode": longcode(terms),
        "payout": contract.payout,
        "purchase_time": contract.purchase_time,
        "shortcode": shortcode(contract),
        "start_time": contract.purchase_time,
        "transaction_id": contract.buy_transaction,
    }
    return [Answer(name="buy", content=content, subscription=id_of(subscription))]


def sell(call: Call) -> list[Answer]:
    account = call.account
    _check_owner(call)
    contract = find(call, call.get("sell"))
    if contract is None:
        raise RefusedError("InvalidSellContractProposal")
    call.exchange.sell(account, contract, price_min=decimal(call.get("price")))
    content = {
        "balance_after": account.balance,
        "contract_id": contract.contract_id,
        "reference_id": contract.buy_transaction,
        "sold_for": contract.sell_price,
        "transaction_id": contract.sell_transaction,
    }
    return [Answer(name="sell", content=content)]


def sell_expired(_call: Call) -> list[Answer]:
    """Nothing is ever left to do: what expires is settled within the same second."""
    return [Answer(name="sell_expired", content={"count": 0})]


def proposal_open_contract(call: Call) -> list[Answer]:
    """One contract, or a message for each open one; a stream of all of them also hears of those bought later."""
    name = "proposal_open_contract"
    if "contract_id" in call.request:
        contract = find(call, call.get("contract_id"))
        if contract is None:
            return [Answer(name=name, content={})]
        subscription = None if contract.is_settled else _subscribe(call, contract.contract_id)
        return [_contract_answer(call.exchange, contract, subscription, call)]
    subscription = _subscribe(call, None)
    found = [each for each in visible(call) if not each.is_settled]
    if not found:
        return [Answer(name=name, content=named(subscription), subscription=id_of(subscription))]
    return [_contract_answer(call.exchange, each, subscription, call) for each in found]


def visible(call: Call) -> list[Contract]:
    """The account's contracts, without those that a fault hides for a while; oldest first."""
    contracts = call.exchange.contracts_of(call.account.token)
    return [each for each in contracts if each.hidden_until_ms <= call.now_ms]


def find(call: Call, contract_id: int) -> Contract | None:
    return next((each for each in visible(call) if each.contract_id == contract_id), None)


def _check_owner(call: Call) -> None:
    if call.get("loginid", call.account.loginid) != call.account.loginid:
        raise RefusedError("PermissionDenied", "Permission denied, the token is not one of this loginid.")


def _subscribe(call: Call, contract_id: int | None) -> Subscription | None:
    hear = partial(_hear_contract, call, contract_id)
    key = ("contract", contract_id)
    return call.subscribe("proposal_open_contract", key, hear, is_private=True)


def _hear_contract(call: Call, contract_id: int | None, event: Event, subscription: Subscription) -> Iterator[Answer]:
    if not isinstance(event, Changed) or event.contract.account != call.account.token:
        return
    if contract_id not in {None, event.contract.contract_id}:
        return
    yield _contract_answer(call.exchange, event.contract, subscription, call)
    subscription.is_over = event.contract.is_settled and contract_id is not None


def _contract_answer(exchange: Exchange, contract: Contract, subscription: Subscription | None, call: Call) -> Answer:
    content = open_contract(exchange, contract, call.session.dialect) | named(subscription)
    return Answer(name="proposal_open_contract", content=content, subscription=id_of(subscription))


def _hear_proposal(exchange: Exchange, terms: Terms, event: Event, subscription: Subscription) -> Iterator[Answer]:
    """With each tick, except where the price is constant (so the schema says of `subscribe`)."""
    if isinstance(event, Ticked) and event.symbol == terms.symbol and not _is_constant(exchange, terms):
        try:
            yield _proposal(exchange, terms, subscription.id, subscription)
        except RefusedError as refusal:
            subscription.is_over = True
            error = {"code": refusal.code, "message": refusal.message}
            yield Answer(name="proposal", content=None, beside={"error": error}, subscription=subscription.id)


def _is_constant(exchange: Exchange, terms: Terms) -> bool:
    is_short = terms.expiry(exchange.now_s) - exchange.now_s < DAY_S
    return terms.symbol.startswith("R_") and terms.barrier is None and is_short


def _price(exchange: Exchange, terms: Terms) -> tuple[object, object]:
    spot = exchange.feeds[terms.symbol].last.quote
    offer = price(terms, spot=spot, now_s=exchange.now_s, margin=exchange.margin)
    return offer.ask, offer.payout


def _proposal(exchange: Exchange, terms: Terms, id: str, subscription: Subscription | None) -> Answer:
    ask, payout = _price(exchange, terms)
    tick = exchange.feeds[terms.symbol].last
    content = {
        "ask_price": ask,
        "date_expiry": terms.expiry(exchange.now_s),
        "date_start": exchange.now_s,
        "display_value": str(ask),
        "id": id,
        "longcode": longcode(terms),
        "payout": payout,
        "spot": tick.quote,
        "spot_time": tick.epoch,
    }
    return Answer(name="proposal", content=content, subscription=id_of(subscription))
