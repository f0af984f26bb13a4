"""The doors of contract §5, time, the ledger, and what a state file keeps."""

import pytest
from deriv_simulator_support import CALL_5T, money

from copydesk.simulators.deriv import StateFileError

START_S = 1_767_225_600


async def buy(socket, **change):
    return (await socket.ask(buy="1", price=100, parameters=CALL_5T | change))["buy"]


async def test_health_tells_prices_accounts_and_the_time(venue, alice):
    status, found = await venue.door("GET", "health")

    assert status == 200
    assert found["status"] == "ok"
    assert found["simulator"] == "deriv"
    assert found["accounts"] == 1
    assert found["prices"]["1HZ100V"] == "1500.00"
    assert found["time_ms"] == (START_S + 1) * 1_000


async def test_several_accounts_are_opened_at_once_and_a_balance_is_set(venue):
    _, made = await venue.door("POST", "accounts", [{"token": "a", "balance": "10"}, {"token": "b", "balance": 20}])
    await venue.post("accounts", token="a", balance="7.5")

    balances = {each["account"]: each["balance"] for each in (await venue.ledger())["balances"]}

    assert made["accounts"] == ["a", "b"]
    assert balances == {"a": "7.50", "b": "20.00"}


async def test_a_held_price_stays_and_a_set_one_moves_on(venue):
    await venue.hold("1234.56")
    await venue.pass_time(60)
    assert (await venue.door("GET", "health"))[1]["prices"]["1HZ100V"] == "1234.56"

    told = await venue.post("price", symbol="1HZ100V", price="1300", hold=False)
    await venue.pass_time(1)
    first = (await venue.door("GET", "health"))[1]["prices"]["1HZ100V"]
    await venue.pass_time(60)

    assert told["next_tick"] == START_S + 61
    assert told["held"] is False
    assert first == "1300.00"
    assert (await venue.door("GET", "health"))[1]["prices"]["1HZ100V"] != "1300.00"


@pytest.mark.parametrize(
    ("door", "wish", "field"),
    [
        ("accounts", {"balance": "1"}, "token"),
        ("accounts", {"token": "a", "balance": "much"}, "balance"),
        ("accounts", {"token": "a", "balance": "1e300"}, "balance"),
        ("limits", {"factor": 0}, "factor"),
        ("accounts", {"token": "a", "scopes": ["all"]}, "scopes"),
        ("price", {"symbol": "BTCUSDT", "price": "1"}, "symbol"),
        ("price", {"symbol": "R_100", "price": "1.005"}, "price"),
        ("price", {"symbol": "R_100", "price": "0"}, "price"),
        ("faults", {"kind": "earthquake"}, "kind"),
        ("faults", {"kind": "refuse", "code": "Unheard"}, "code"),
        ("faults", {"kind": "html_502", "account": "a"}, "account"),
        ("faults", {"kind": "drop_after", "call": "connect"}, "call"),
        ("faults", {"kind": "drop_after", "probability": 2}, "probability"),
        ("time", {"advance_ms": -1}, "advance_ms"),
        ("time", {"to_ms": 1}, "to_ms"),
    ],
)
async def test_a_wrong_wish_is_refused_with_its_field(venue, door, wish, field):
    status, found = await venue.door("POST", door, wish)

    assert status == 400
    assert found["error"]["code"] == "bad_input"
    assert found["error"]["details"] == {"field": field}


async def test_an_unknown_door_is_not_found(venue):
    assert (await venue.door("GET", "treasure"))[0] == 404
    assert (await venue.door("POST", "health", {}))[0] == 404


async def test_the_ledger_holds_every_contract_and_its_money(venue, alice):
    await alice.ask(passthrough={}, ping=1)
    won = await buy(alice, contract_type="CALLE")
    lost = await buy(alice)
    await venue.pass_time(10)
    sold = await buy(alice, duration=60, duration_unit="s")
    await venue.pass_time(2)
    receipt = (await alice.ask(sell=sold["contract_id"], price=0))["sell"]
    held = await buy(alice, contract_type="PUT", symbol="R_100")

    ledger = await venue.ledger()
    orders = {each["order_id"]: each for each in ledger["orders"]}
    contracts = {each["contract_id"]: each for each in ledger["contracts"]}

    assert orders[str(won["transaction_id"])] == {
        "order_id": str(won["transaction_id"]),
        "client_order_id": None,
        "account": "alice-token",
        "symbol": "1HZ100V",
        "side": "BUY",
        "type": "CALLE",
        "quantity": "1",
        "reduce_only": False,
        "status": "FILLED",
        "time": "2026-01-01T00:00:01Z",
    }
    assert orders[str(receipt["transaction_id"])]["side"] == "SELL"
    assert orders[str(receipt["transaction_id"])]["reduce_only"] is True
    assert len(orders) == 5
    assert {each["order_id"] for each in ledger["fills"]} == orders.keys()
    assert ledger["positions"] == [{"account": "alice-token", "symbol": "R_100", "side": "PUT", "quantity": "1"}]
    assert [contracts[each["contract_id"]]["status"] for each in (won, lost, sold, held)] == [
        "won",
        "lost",
        "sold",
        "open",
    ]
    assert money(ledger["balances"][0]["balance"]) == 1_000 + money("0.95") - 1 + money(receipt["sold_for"]) - 1 - 1
    assert (await venue.door("GET", "ledger?account=bob"))[1]["orders"] == []


async def test_time_on_the_wall_cannot_be_moved_but_ticks_come_by_themselves(start_deriv):
    async with start_deriv() as venue:
        status, found = await venue.door("POST", "time", {"advance_ms": 1_000})
        socket = await venue.connect()
        await socket.ask(ticks="1HZ100V", subscribe=1)
        tick = await socket.next("tick")

    assert status == 400
    assert found["error"]["details"] == {"field": "time"}
    assert tick["tick"]["symbol"] == "1HZ100V"


async def test_a_state_file_keeps_accounts_contracts_and_numbers(start_deriv, tmp_path):
    file = tmp_path / "state.json"
    async with start_deriv(virtual_time=True, state=file) as venue:
        alice = await venue.trader()
        over = await buy(alice)
        await venue.pass_time(10)
        held = await buy(alice, duration=1, duration_unit="h")
        before = await venue.ledger()

    async with start_deriv(virtual_time=True, state=file) as venue:
        alice = await venue.connect("alice-token")
        after = await venue.ledger()
        await venue.pass_time(3_700)
        contract = (await alice.ask(proposal_open_contract=1, contract_id=held["contract_id"]))[
            "proposal_open_contract"
        ]
        later = await buy(alice)

    assert after == before
    assert contract["is_sold"] == 1
    assert later["contract_id"] > held["contract_id"] > over["contract_id"]


async def test_a_contract_that_ended_while_the_simulator_was_off_is_settled_at_the_next_second(start_deriv, tmp_path):
    file = tmp_path / "state.json"
    async with start_deriv(virtual_time=True, state=file) as venue:
        await venue.pass_time(3_600)
        alice = await venue.trader()
        held = await buy(alice, duration=15, duration_unit="s")

    async with start_deriv(
        virtual_time=True, state=file
    ) as venue:  # an hour earlier than it was: nothing has ended yet
        await venue.pass_time(3_700)
        alice = await venue.connect("alice-token")
        contract = (await alice.ask(proposal_open_contract=1, contract_id=held["contract_id"]))[
            "proposal_open_contract"
        ]

    assert contract["status"] in {"won", "lost"}
    assert contract["exit_tick_time"] <= contract["date_expiry"]


@pytest.mark.parametrize("content", ["{}", "not json", '{"simulator":"x","numbers":{},"accounts":[],"contracts":[]}'])
async def test_a_foreign_state_file_stops_the_start_and_is_left_alone(start_deriv, tmp_path, content):
    file = tmp_path / "state.json"
    file.write_text(content)

    with pytest.raises(StateFileError):
        async with start_deriv(state=file):
            pass

    assert file.read_text() == content


async def test_the_same_seed_and_the_same_requests_give_the_same_bytes(start_deriv):
    async def play():
        async with start_deriv(virtual_time=True, seed=3) as venue:
            alice = await venue.trader()
            await alice.ask(balance=1, subscribe=1)
            await alice.ws.send_json({"buy": "1", "price": 1, "parameters": CALL_5T, "subscribe": 1, "req_id": 9})
            texts = [(await alice.ws.receive()).data]
            await venue.pass_time(10)
            await alice.ws.send_json({"portfolio": 1, "req_id": 10})
            while '"req_id":10' not in texts[-1]:
                texts.append((await alice.ws.receive()).data)
            return texts

    first, again = await play(), await play()

    assert len(first) == 13
    assert first == again
