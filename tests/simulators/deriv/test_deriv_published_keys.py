"""The published schemas close most payloads (`additionalProperties: false`): nothing is told that they do not know.

The lists are the schemas' own (`config/v3/*/receive.json`), those of contracts that are sold here.
"""

from deriv_simulator_support import CALL_5T

KEYS = {
    "active_symbols": (
        "allow_forward_starting delay_amount display_name display_order exchange_is_open exchange_name "
        "intraday_interval_minutes is_trading_suspended market market_display_name pip quoted_currency_symbol spot spot_age "
        "spot_percentage_change spot_time subgroup subgroup_display_name submarket submarket_display_name symbol symbol_type"
    ),
    "authorize": (
        "account_list balance country currency email fullname is_virtual landing_company_fullname landing_company_name "
        "local_currencies loginid preferred_language scopes trading upgradeable_landing_companies user_id wallet"
    ),
    "available": (
        "available_barriers barrier barrier_category barriers contract_category contract_category_display contract_display "
        "contract_type exchange_name expiry_type forward_starting_options market max_contract_duration "
        "min_contract_duration payout_limit sentiment start_type submarket underlying_symbol"
    ),
    "balance": "balance accounts currency id loginid total",
    "buy": "balance_after buy_price contract_id longcode payout purchase_time shortcode start_time transaction_id",
    "contracts_for": "available close feed_license hit_count open spot",
    "portfolio": (
        "app_id buy_price contract_id contract_type currency date_start expiry_time longcode payout purchase_time shortcode "
        "symbol transaction_id"
    ),
    "profit_table": (
        "app_id buy_price contract_id duration_type longcode payout purchase_time sell_price sell_time shortcode transaction_id"
    ),
    "proposal": "ask_price date_expiry date_start display_value id longcode payout spot spot_time",
    "sell": "balance_after contract_id reference_id sold_for transaction_id",
    "statement": (
        "action_type amount app_id balance_after contract_id longcode payout purchase_time reference_id shortcode "
        "transaction_id transaction_time"
    ),
    "tick": "ask bid epoch id pip_size quote symbol",
    "transaction": (
        "action amount balance barrier contract_id currency date_expiry display_name id longcode purchase_time symbol "
        "transaction_id transaction_time"
    ),
}
BUY_REQUIRED = KEYS["buy"].split()
PROPOSAL_REQUIRED = ["ask_price", "date_start", "display_value", "id", "longcode", "payout", "spot", "spot_time"]


def expect_known(name, *contents):
    for content in contents:
        assert not content.keys() - set(KEYS[name].split()), name


async def test_market_data_has_published_keys_alone(venue):
    socket = await venue.connect()
    contracts = (await socket.ask(contracts_for="R_100"))["contracts_for"]

    expect_known("active_symbols", *(await socket.ask(active_symbols="full"))["active_symbols"])
    expect_known("contracts_for", contracts)
    expect_known("available", *contracts["available"])
    expect_known("tick", (await socket.ask(ticks="R_100", subscribe=1))["tick"])


async def test_trading_and_its_history_have_published_keys_alone(venue, alice):
    authorized = (await alice.ask(authorize="alice-token"))["authorize"]
    await alice.ask(transaction=1, subscribe=1)
    proposal = (await alice.ask(proposal=1, **CALL_5T))["proposal"]
    receipt = (await alice.ask(buy=proposal["id"], price=1))["buy"]
    expect_known("portfolio", *(await alice.ask(portfolio=1))["portfolio"]["contracts"])
    longer = (await alice.ask(buy="1", price=1, parameters=CALL_5T | {"duration": 60, "duration_unit": "s"}))["buy"]
    await venue.pass_time(10)
    sold = (await alice.ask(sell=longer["contract_id"], price=0))["sell"]

    expect_known("authorize", authorized)
    expect_known("balance", (await alice.ask(balance=1, subscribe=1))["balance"])
    expect_known("buy", receipt)
    expect_known("proposal", proposal)
    expect_known("sell", sold)
    expect_known("statement", *(await alice.ask(statement=1, description=1))["statement"]["transactions"])
    expect_known("profit_table", *(await alice.ask(profit_table=1, description=1))["profit_table"]["transactions"])
    booked = [each["transaction"] for each in await alice.settled() if each["msg_type"] == "transaction"]
    assert len(booked) == 4
    expect_known("transaction", *booked)


async def test_what_the_schemas_require_of_prices_and_purchases_is_there(alice):
    proposal = (await alice.ask(proposal=1, **CALL_5T))["proposal"]
    receipt = (await alice.ask(buy=proposal["id"], price=1))["buy"]

    assert proposal.keys() >= set(PROPOSAL_REQUIRED)
    assert receipt.keys() >= set(BUY_REQUIRED)
