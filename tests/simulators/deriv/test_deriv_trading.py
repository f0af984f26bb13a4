"""Prices, purchases, settlement on the contract's own ticks, resale."""

import pytest
from deriv_simulator_support import CALL_5T, money

START_S = 1_767_225_600
CALL_20S = CALL_5T | {"duration": 20, "duration_unit": "s"}


async def bought(socket, terms=CALL_5T, **more):
    answer = await socket.ask(buy="1", price=1_000, parameters=terms, **more)
    assert "error" not in answer, answer
    return answer


async def contract(socket, contract_id):
    return (await socket.ask(proposal_open_contract=1, contract_id=contract_id))["proposal_open_contract"]


async def test_a_stake_of_one_pays_about_one_ninety_five(venue):
    socket = await venue.connect()

    proposal = (await socket.ask(proposal=1, **CALL_5T))["proposal"]

    assert proposal["ask_price"] == 1
    assert proposal["payout"] == 1.95
    assert proposal["display_value"] == "1.00"
    assert proposal["date_start"] == START_S
    assert proposal["date_expiry"] == START_S + 5
    assert proposal["longcode"] == (
        "Win payout if Volatility 100 (1s) Index after 5 ticks is strictly higher than entry spot."
    )


async def test_a_payout_is_priced_with_the_margin_of_the_house(venue, start_deriv):
    wish = CALL_5T | {"basis": "payout", "amount": 10}
    usual = (await (await venue.connect()).ask(proposal=1, **wish))["proposal"]

    async with start_deriv(virtual_time=True, margin=money("0.05")) as dearer:
        dear = (await (await dearer.connect()).ask(proposal=1, **wish))["proposal"]

    assert (usual["ask_price"], usual["payout"]) == (5.13, 10)
    assert dear["ask_price"] == 5.5


async def test_a_proposal_is_bought_once_by_its_id(venue, alice):
    id = (await alice.ask(proposal=1, **CALL_5T))["proposal"]["id"]

    answer = await alice.ask(buy=id, price=1)
    again = await alice.error(buy=id, price=1)

    receipt = answer["buy"]
    assert answer["msg_type"] == "buy"
    assert receipt["buy_price"] == 1
    assert receipt["payout"] == 1.95
    assert receipt["balance_after"] == 999
    assert receipt["purchase_time"] == receipt["start_time"] == START_S + 1
    assert receipt["shortcode"] == f"CALL_1HZ100V_1.95_{START_S + 1}_5T_S0P_0"
    assert again["code"] == "InvalidContractProposal"


async def test_a_proposal_of_another_connection_is_unknown_here(venue, alice):
    id = (await (await venue.connect()).ask(proposal=1, **CALL_5T))["proposal"]["id"]

    assert (await alice.error(buy=id, price=1))["code"] == "InvalidContractProposal"


@pytest.mark.parametrize(
    ("contract_type", "exit_spot", "wins"),
    [
        ("CALL", "1500.01", True),
        ("CALL", "1500", False),
        ("CALL", "1499.99", False),
        ("PUT", "1499.99", True),
        ("PUT", "1500", False),
        ("PUT", "1500.01", False),
        ("CALLE", "1500", True),
        ("PUTE", "1500", True),
        ("CALLE", "1499.99", False),
        ("PUTE", "1500.01", False),
    ],
)
async def test_the_exit_decides_strictly_and_equal_wins_only_where_it_says_so(
    venue, alice, contract_type, exit_spot, wins
):
    id = (await bought(alice, CALL_5T | {"contract_type": contract_type}))["buy"]["contract_id"]
    await venue.pass_time(5)
    await venue.hold(exit_spot)
    await venue.pass_time(1)

    found = await contract(alice, id)

    assert found["status"] == ("won" if wins else "lost")
    assert found["sell_price"] == (1.95 if wins else 0)
    assert found["profit"] == (0.95 if wins else -1)
    assert (await alice.ask(balance=1))["balance"]["balance"] == (1000.95 if wins else 999)


async def test_the_entry_is_the_first_tick_after_the_purchase_and_the_exit_the_nth_after_it(venue, alice):
    await venue.post("price", symbol="1HZ100V", price="1600", hold=False)
    id = (await bought(alice))["buy"]["contract_id"]
    assert "entry_tick" not in await contract(alice, id)

    await venue.pass_time(10)
    ticks = (await alice.ask(ticks_history="1HZ100V", start=START_S + 2, end="latest"))["history"]
    found = await contract(alice, id)

    assert found["entry_tick"] == ticks["prices"][0] == 1600
    assert found["entry_tick_time"] == ticks["times"][0] == START_S + 2
    assert found["exit_tick"] == ticks["prices"][5]
    assert found["exit_tick_time"] == ticks["times"][5]
    assert [each["tick"] for each in found["tick_stream"]] == ticks["prices"][:6]
    assert found["tick_count"] == 5
    assert found["status"] == ("won" if ticks["prices"][5] > ticks["prices"][0] else "lost")


async def test_a_contract_of_seconds_ends_with_the_last_tick_before_its_expiry(venue, alice):
    terms = CALL_20S | {"symbol": "R_100", "duration": 16}
    id = (await bought(alice, terms))["buy"]["contract_id"]  # at second 1; R_100 ticks at 16 and 18, it ends at 17

    await venue.pass_time(15)
    still_open = await contract(alice, id)
    await venue.pass_time(1)
    found = await contract(alice, id)

    assert still_open["status"] == "open"
    assert found["date_expiry"] == START_S + 17
    assert found["entry_tick_time"] == START_S + 2
    assert found["exit_tick_time"] == START_S + 16
    assert found["status"] in {"won", "lost"}
    assert found["sell_time"] == START_S + 17


async def test_a_stream_of_a_contract_tells_each_tick_then_expiry_then_settlement_and_ends(venue, alice):
    answer = await bought(alice, CALL_5T | {"duration": 2}, subscribe=1)

    await venue.pass_time(6)
    heard = await alice.settled()

    assert [each["msg_type"] for each in heard] == ["proposal_open_contract"] * 6
    assert {each["req_id"] for each in heard} == {answer["req_id"]}
    assert all(each["echo_req"] == answer["echo_req"] for each in heard)
    assert {each["subscription"]["id"] for each in heard} == {answer["subscription"]["id"]}
    states = [each["proposal_open_contract"] for each in heard]
    assert {each["id"] for each in states} == {answer["subscription"]["id"]}
    assert [(each["is_expired"], each["is_sold"], each["status"]) for each in states] == [
        (0, 0, "open"),  # bought
        (0, 0, "open"),  # entry
        (0, 0, "open"),
        (0, 0, "open"),  # the exit tick itself
        (1, 0, "open"),
        (1, 1, "lost"),
    ]
    assert states[-1]["transaction_ids"].keys() == {"buy", "sell"}
    assert (await alice.ask(forget=answer["subscription"]["id"]))["forget"] == 0


async def test_a_stream_of_all_contracts_hears_of_those_bought_later(venue, alice):
    answer = await alice.ask(proposal_open_contract=1, subscribe=1)
    first = (await bought(alice))["buy"]["contract_id"]
    second = (await bought(alice))["buy"]["contract_id"]

    await venue.pass_time(7)
    heard = [each for each in await alice.settled() if each["msg_type"] == "proposal_open_contract"]

    assert answer["proposal_open_contract"] == {"id": answer["subscription"]["id"]}
    told = {each["proposal_open_contract"]["contract_id"] for each in heard}
    assert told == {first, second}
    assert {each["req_id"] for each in heard} == {answer["req_id"]}
    assert [each["proposal_open_contract"]["is_sold"] for each in heard[-2:]].count(1) >= 1


async def test_the_state_of_a_contract_has_only_keys_of_the_published_schema(venue, alice):
    published = set(PUBLISHED.split())
    early = (await bought(alice, CALL_20S))["buy"]["contract_id"]
    seen = await contract(alice, early)
    await venue.pass_time(30)
    over = await contract(alice, early)

    assert seen.keys() | over.keys() <= published


async def test_a_contract_is_sold_back_for_what_it_is_worth(venue, alice):
    receipt = (await bought(alice, CALL_20S | {"duration": 60}))["buy"]
    await venue.pass_time(1)
    await venue.hold("1502")
    await venue.pass_time(1)
    bid = (await contract(alice, receipt["contract_id"]))["bid_price"]

    answer = await alice.ask(sell=receipt["contract_id"], price=0)
    found = await contract(alice, receipt["contract_id"])
    again = await alice.error(sell=receipt["contract_id"], price=0)

    assert 1 < bid < 1.95
    assert answer["sell"]["sold_for"] == bid
    assert answer["sell"]["reference_id"] == receipt["transaction_id"]
    assert money(answer["sell"]["balance_after"]) == 999 + money(bid)
    assert (found["status"], found["is_sold"], found["is_expired"]) == ("sold", 1, 0)
    assert again["code"] == "NoOpenPosition"


async def test_a_sale_below_the_wanted_price_is_refused(venue, alice):
    id = (await bought(alice, CALL_20S | {"duration": 60}))["buy"]["contract_id"]
    await venue.pass_time(2)

    assert (await alice.error(sell=id, price=1.9))["code"] == "PriceMoved"
    assert (await contract(alice, id))["status"] == "open"


async def test_what_the_house_does_not_buy_back_says_why(venue, alice):
    ticks = (await bought(alice))["buy"]["contract_id"]
    early = (await bought(alice, CALL_20S))["buy"]["contract_id"]
    assert (await alice.error(sell=ticks, price=0))["message"] == "Resale of this contract is not offered."
    assert (await alice.error(sell=early, price=0))["message"] == "Waiting for entry tick."

    await venue.pass_time(6)
    late = await alice.error(sell=early, price=0)

    assert late["code"] == "InvalidSellContractProposal"
    assert "15 seconds" in late["message"]
    assert (await contract(alice, early))["is_valid_to_sell"] == 0
    assert (await alice.error(sell=1, price=0))["code"] == "InvalidSellContractProposal"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "R_101"}, "InvalidSymbol"),
        ({"contract_type": "DIGITEVEN"}, "OfferingsValidationError"),
        ({"duration": 11}, "OfferingsValidationError"),
        ({"duration": 0}, "OfferingsValidationError"),
        ({"duration": 14, "duration_unit": "s"}, "OfferingsValidationError"),
        ({"duration": 366, "duration_unit": "d"}, "OfferingsValidationError"),
        ({"date_start": START_S + 3_600}, "OfferingsValidationError"),
        ({"amount": 0.34}, "ContractBuyValidationError"),
        ({"amount": 1.005}, "ContractBuyValidationError"),
        ({"amount": 0}, "ContractBuyValidationError"),
        ({"amount": 30_000}, "ContractBuyValidationError"),
        ({"amount": 1e300}, "ContractBuyValidationError"),
        ({"currency": "EUR"}, "ContractBuyValidationError"),
        ({"barrier": "+0.001"}, "ContractCreationFailure"),
        ({"contract_type": "CALLE", "barrier": "+1"}, "ContractCreationFailure"),
        ({"barrier": "-1000"}, "ContractBuyValidationError"),
        ({"barrier": "+1000"}, "ContractBuyValidationError"),
        ({"barrier": "0"}, "ContractBuyValidationError"),
    ],
)
async def test_what_is_not_offered_is_refused_for_a_price_and_a_purchase_alike(venue, alice, change, code):
    terms = CALL_5T | change

    assert (await alice.error(proposal=1, **terms))["code"] == code
    assert (await alice.error(buy="1", price=100_000, parameters=terms))["code"] == code
    assert (await alice.ask(portfolio=1))["portfolio"]["contracts"] == []


@pytest.mark.parametrize("missing", ["basis", "duration"])
async def test_what_a_contract_cannot_do_without_is_told(venue, alice, missing):
    terms = {name: value for name, value in CALL_5T.items() if name != missing}

    assert (await alice.error(proposal=1, **terms))["code"] == "ContractCreationFailure"


async def test_nothing_is_bought_above_the_highest_price_or_the_balance(venue, alice):
    dear = await alice.error(buy="1", price=0.99, parameters=CALL_5T)
    poor = await alice.error(buy="1", price=2_000, parameters=CALL_5T | {"amount": 1_001})

    assert dear["code"] == "PriceMoved"
    assert poor["code"] == "InsufficientBalance"
    assert (await alice.ask(balance=1))["balance"]["balance"] == 1_000
    assert (await venue.ledger())["orders"] == []


async def test_a_barrier_makes_a_contract_cheaper_to_win_or_dearer(venue, alice):
    far = (await alice.ask(proposal=1, **CALL_5T, barrier="+1.00"))["proposal"]
    near = (await alice.ask(proposal=1, **CALL_5T, barrier="-1.00"))["proposal"]
    absolute = (await alice.ask(proposal=1, **CALL_5T, barrier="1501.00"))["proposal"]

    assert far["payout"] > 1.95 > near["payout"] > 1
    assert absolute["payout"] == far["payout"]
    assert "entry spot plus 1.00" in far["longcode"]


async def test_a_barrier_counts_from_the_entry_spot(venue, alice):
    receipt = (await bought(alice, CALL_5T | {"barrier": "+1.00"}))["buy"]
    assert receipt["shortcode"].endswith("_5T_S100P_0")
    await venue.hold("1500.50")
    await venue.pass_time(1)
    await venue.hold("1501.50")
    await venue.pass_time(5)

    found = await contract(alice, receipt["contract_id"])

    assert found["barrier"] == "1501.50"
    assert found["status"] == "lost"


async def test_a_proposal_with_a_barrier_is_repriced_with_each_tick(venue, alice):
    first = await alice.ask(proposal=1, subscribe=1, **CALL_5T, barrier="+1.00")
    await venue.hold("1501")
    await venue.pass_time(2)

    heard = await alice.settled()

    assert [each["msg_type"] for each in heard] == ["proposal", "proposal"]
    assert heard[0]["proposal"]["id"] == first["proposal"]["id"] == first["subscription"]["id"]
    assert heard[0]["proposal"]["spot"] == 1501
    assert (await alice.error(proposal=1, subscribe=1, **CALL_5T, barrier="+1.00"))["code"] == "AlreadySubscribed"
    assert (await alice.ask(buy=first["proposal"]["id"], price=1))["buy"]["buy_price"] == 1
    await venue.pass_time(1)
    assert [each["msg_type"] for each in await alice.settled()] == ["proposal", "proposal"]


async def test_a_proposal_whose_price_is_constant_is_not_streamed(venue, alice):
    slow = await alice.ask(proposal=1, subscribe=1, **CALL_5T | {"symbol": "R_100"})

    await venue.pass_time(4)

    assert slow["subscription"]["id"] == slow["proposal"]["id"]
    assert await alice.settled() == []


async def test_a_proposal_that_can_no_longer_be_had_says_so_and_ends(venue, alice):
    terms = {name: value for name, value in CALL_5T.items() if not name.startswith("duration")}
    first = await alice.ask(proposal=1, subscribe=1, **terms, date_expiry=START_S + 17)
    assert "error" not in first, first

    await venue.pass_time(20)
    heard = await alice.settled()

    assert heard[-1]["error"]["code"] == "InvalidtoBuy"
    assert heard[-1]["req_id"] == first["req_id"]
    assert (await alice.ask(forget_all="proposal"))["forget_all"] == []


@pytest.mark.parametrize(
    ("duration", "unit", "ends"),
    [(1, "m", 61), (2, "h", 7_201), (1, "d", 2 * 86_400 - 1), (15, "s", 16)],
)
async def test_a_duration_ends_when_its_unit_says(venue, alice, duration, unit, ends):
    receipt = (await bought(alice, CALL_5T | {"duration": duration, "duration_unit": unit}))["buy"]

    assert (await contract(alice, receipt["contract_id"]))["date_expiry"] == START_S + ends


async def test_unknown_contracts_are_empty_and_settled_ones_not_streamed(venue, alice):
    id = (await bought(alice))["buy"]["contract_id"]
    await venue.pass_time(10)

    unknown = await alice.ask(proposal_open_contract=1, contract_id=1, subscribe=1)
    settled = await alice.ask(proposal_open_contract=1, contract_id=id, subscribe=1)

    assert unknown["proposal_open_contract"] == {}
    assert "subscription" not in unknown
    assert settled["proposal_open_contract"]["is_sold"] == 1
    assert "subscription" not in settled


PUBLISHED = """
account_id audit_details barrier barrier_count barrier_spot_distance bid_price buy_price cancellation commision commission
contract_id contract_type currency current_spot current_spot_display_value current_spot_high_barrier
current_spot_low_barrier current_spot_time date_expiry date_settlement date_start display_name
display_number_of_contracts display_value entry_spot entry_spot_display_value entry_tick entry_tick_display_value
entry_tick_time exit_tick exit_tick_display_value exit_tick_time expiry_time growth_rate high_barrier id is_expired
is_forward_starting is_intraday is_path_dependent is_settleable is_sold is_valid_to_cancel is_valid_to_sell limit_order
longcode low_barrier multiplier number_of_contracts payout profit profit_percentage purchase_time reset_barrier
reset_time selected_spot selected_tick sell_price sell_spot sell_spot_display_value sell_spot_time sell_time shortcode
status tick_count tick_passed tick_stream transaction_ids underlying validation_error validation_error_code
"""
