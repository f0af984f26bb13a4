"""Sign-in, balance, statement, portfolio, profits, and the streams that tell of money."""

from datetime import UTC, datetime

import pytest
from deriv_simulator_support import CALL_5T

START_S = 1_767_225_600


async def buy(socket, **change):
    return (await socket.ask(buy="1", price=100, parameters=CALL_5T | change))["buy"]


async def test_a_token_signs_its_owner_in(venue):
    await venue.post("accounts", token="alice-token", balance="250.5")
    socket = await venue.connect()

    found = (await socket.ask(authorize="alice-token"))["authorize"]

    assert found["balance"] == 250.5
    assert found["currency"] == "USD"
    assert found["is_virtual"] == 1
    assert found["loginid"].startswith("VRTC")
    assert found["account_list"][0]["loginid"] == found["loginid"]
    assert "trade" in found["scopes"]


async def test_an_unknown_token_is_invalid_and_a_disabled_account_unavailable(venue):
    await venue.post("accounts", token="bob-token", balance="10", disabled=True)
    socket = await venue.connect()

    assert await socket.error(authorize="nobody") == {"code": "InvalidToken", "message": "The token is invalid."}
    assert (await socket.error(authorize="bob-token"))["code"] == "DisabledClient"
    await venue.post("accounts", token="bob-token", disabled=False)
    assert (await socket.ask(authorize="bob-token"))["authorize"]["balance"] == 10


@pytest.mark.parametrize(
    "request_",
    [
        {"balance": 1},
        {"portfolio": 1},
        {"statement": 1},
        {"profit_table": 1},
        {"transaction": 1, "subscribe": 1},
        {"proposal_open_contract": 1},
        {"sell": 1, "price": 0},
        {"buy": "1", "price": 1, "parameters": CALL_5T},
    ],
)
async def test_an_accounts_business_needs_a_sign_in(venue, request_):
    socket = await venue.connect()

    assert (await socket.error(**request_))["code"] == "AuthorizationRequired"


async def test_a_token_may_only_do_what_its_scopes_say(venue):
    reader = await venue.trader("reader", scopes=["read"])
    trader = await venue.trader("trader", scopes=["trade"])

    assert (await reader.error(buy="1", price=1, parameters=CALL_5T))["code"] == "PermissionDenied"
    assert (await reader.ask(balance=1))["balance"]["balance"] == 1_000
    assert (await trader.error(balance=1))["code"] == "PermissionDenied"
    assert (await buy(trader))["buy_price"] == 1


async def test_after_a_logout_nobody_is_signed_in_and_private_streams_are_over(venue, alice):
    await alice.ask(balance=1, subscribe=1)
    await alice.ask(ticks="R_100", subscribe=1)

    assert (await alice.ask(logout=1))["logout"] == 1
    await venue.post("accounts", token="alice-token", balance="5")
    await venue.pass_time(2)

    assert {each["msg_type"] for each in await alice.settled()} == {"tick"}
    assert (await alice.error(balance=1))["code"] == "AuthorizationRequired"


async def test_another_sign_in_ends_the_streams_of_the_one_before(venue, alice):
    await venue.post("accounts", token="bob-token", balance="20")
    await alice.ask(balance=1, subscribe=1)

    await alice.ask(authorize="bob-token")
    await venue.post("accounts", token="alice-token", balance="5")

    assert await alice.settled() == []
    assert (await alice.ask(balance=1))["balance"]["balance"] == 20


async def test_balance_and_transactions_are_pushed_after_each_purchase_and_settlement(venue, alice):
    balance = await alice.ask(balance=1, subscribe=1)
    transaction = await alice.ask(transaction=1, subscribe=1)
    receipt = await buy(alice)
    first = await alice.settled()
    told = {each["msg_type"]: each for each in first}

    assert transaction["transaction"] == {"id": transaction["subscription"]["id"]}
    assert [each["msg_type"] for each in first] == ["balance", "transaction"]
    assert told["balance"]["balance"]["balance"] == 999
    assert told["balance"]["balance"]["id"] == balance["subscription"]["id"]
    assert told["balance"]["req_id"] == balance["req_id"]
    booked = told["transaction"]["transaction"]
    assert (booked["action"], booked["amount"], booked["balance"]) == ("buy", -1, 999)
    assert booked["contract_id"] == receipt["contract_id"]
    assert booked["transaction_id"] == receipt["transaction_id"]
    assert booked["symbol"] == "1HZ100V"
    assert told["transaction"]["req_id"] == transaction["req_id"]

    first.clear()
    await venue.pass_time(10)
    last = {each["msg_type"]: each for each in await alice.settled()}

    assert last["transaction"]["transaction"]["action"] == "sell"
    assert last["transaction"]["transaction"]["amount"] == 0
    assert last["transaction"]["transaction"]["purchase_time"] == receipt["purchase_time"]
    assert last["balance"]["balance"]["balance"] == 999


async def test_one_account_hears_nothing_of_another_one(venue, alice):
    bob = await venue.trader("bob-token", balance="50")
    await bob.ask(balance=1, subscribe=1)
    await bob.ask(transaction=1, subscribe=1)
    await bob.ask(proposal_open_contract=1, subscribe=1)

    id = (await buy(alice))["contract_id"]
    await venue.pass_time(10)

    assert await bob.settled() == []
    assert (await bob.ask(portfolio=1))["portfolio"]["contracts"] == []
    assert (await bob.ask(proposal_open_contract=1, contract_id=id))["proposal_open_contract"] == {}
    assert (await bob.error(sell=id, price=0))["code"] == "InvalidSellContractProposal"


async def test_balances_of_all_accounts_are_not_for_a_token(venue, alice):
    assert (await alice.error(balance=1, account="all"))["code"] == "PermissionDenied"
    assert (await alice.ask(balance=1, account="current"))["balance"]["balance"] == 1_000


async def test_a_foreign_loginid_buys_nothing(venue, alice):
    assert (await alice.error(buy="1", price=1, parameters=CALL_5T, loginid="CR1"))["code"] == "PermissionDenied"
    assert (await alice.ask(portfolio=1))["portfolio"]["contracts"] == []


async def test_the_portfolio_holds_what_is_open(venue, alice):
    call, put = await buy(alice), await buy(alice, contract_type="PUT")

    rows = (await alice.ask(portfolio=1))["portfolio"]["contracts"]
    puts = (await alice.ask(portfolio=1, contract_type=["PUT"]))["portfolio"]["contracts"]
    await venue.pass_time(10)

    assert [each["contract_id"] for each in rows] == [call["contract_id"], put["contract_id"]]
    assert [each["contract_id"] for each in puts] == [put["contract_id"]]
    assert rows[0]["symbol"] == "1HZ100V"
    assert rows[0]["shortcode"] == call["shortcode"]
    assert rows[0]["app_id"] == 1089
    assert (await alice.ask(portfolio=1))["portfolio"]["contracts"] == []


async def test_the_statement_has_every_movement_newest_first(venue, alice):
    receipt = await buy(alice)
    await venue.pass_time(10)

    found = (await alice.ask(statement=1, description=1))["statement"]
    rows = found["transactions"]

    assert [each["action_type"] for each in rows] == ["sell", "buy", "virtual_credit"]
    assert [each["amount"] for each in rows] == [0, -1, 1_000]
    assert [each["balance_after"] for each in rows] == [999, 999, 1_000]
    assert rows[0]["reference_id"] == rows[1]["transaction_id"] == receipt["transaction_id"]
    assert rows[1]["shortcode"] == receipt["shortcode"]
    assert found["count"] == 3


async def test_the_statement_is_filtered_and_paged(venue, alice):
    await buy(alice)
    await venue.pass_time(10)
    await buy(alice)

    async def rows(**wish):
        return [each["action_type"] for each in (await alice.ask(statement=1, **wish))["statement"]["transactions"]]

    assert await rows(action_type="buy") == ["buy", "buy"]
    assert await rows(limit=1, offset=1) == ["sell"]
    assert await rows(date_from=START_S + 11) == ["buy"]
    assert await rows(date_to=START_S + 1) == ["buy", "virtual_credit"]
    assert "shortcode" not in (await alice.ask(statement=1))["statement"]["transactions"][0]


async def test_the_profit_table_has_what_is_over(venue, alice):
    first = await buy(alice)
    second = await buy(alice, contract_type="PUTE")
    await venue.pass_time(10)
    await buy(alice)

    async def ids(**wish):
        return [
            each["contract_id"] for each in (await alice.ask(profit_table=1, **wish))["profit_table"]["transactions"]
        ]

    assert await ids() == [second["contract_id"], first["contract_id"]]
    assert await ids(sort="ASC") == [first["contract_id"], second["contract_id"]]
    assert await ids(contract_type=["CALL"]) == [first["contract_id"]]
    assert await ids(limit=1) == [second["contract_id"]]
    day = datetime.fromtimestamp(START_S, UTC).strftime("%Y-%m-%d")
    assert len(await ids(date_from=day)) == 2
    assert await ids(date_to="2025-12-31") == []
    row = (await alice.ask(profit_table=1, description=1))["profit_table"]["transactions"][0]
    assert (row["buy_price"], row["sell_price"], row["payout"]) == (1, 1.95, 1.95)
    assert (await alice.error(profit_table=1, date_from="2026-02-31"))["code"] == "InputValidationFailed"


async def test_no_more_than_a_hundred_streams_fit_on_a_connection(venue, alice):
    for number in range(100):
        await alice.ask(proposal=1, subscribe=1, **CALL_5T | {"amount": 1 + number})

    assert (await alice.error(ticks="R_100", subscribe=1))["code"] == "RateLimit"
    assert (await alice.error(buy="1", price=1, parameters=CALL_5T, subscribe=1))["code"] == "RateLimit"
    assert (await alice.ask(portfolio=1))["portfolio"]["contracts"] == []


async def test_what_official_clients_ask_beside_trading_has_an_answer(venue, alice):
    status = (await alice.ask(get_account_status=1))["get_account_status"]

    assert status["currency_config"].keys() == {"USD"}
    assert status["prompt_client_to_authenticate"] == 0
    assert (await alice.ask(payout_currencies=1))["payout_currencies"] == ["USD"]
    assert (await alice.ask(sell_expired=1))["sell_expired"] == {"count": 0}
