"""What every message looks like (facts §5.2), and what is refused before anything is done."""

import aiohttp
import pytest
from deriv_simulator_support import CALL_5T

START_S = 1_767_225_600


async def test_every_answer_repeats_request_type_and_number(venue):
    socket = await venue.connect()

    answer = await socket.ask(ping=1, req_id=7, passthrough={"mine": "x"})

    assert answer == {
        "echo_req": {"ping": 1, "req_id": 7, "passthrough": {"mine": "x"}},
        "msg_type": "ping",
        "ping": "pong",
        "req_id": 7,
    }


async def test_no_number_is_told_when_none_was_sent(venue):
    socket = await venue.connect()

    answer = await socket.tell('{"time": 1}')

    assert answer == {"echo_req": {"time": 1}, "msg_type": "time", "time": START_S}


async def test_an_error_has_a_code_and_a_message_and_no_payload(venue):
    socket = await venue.connect()

    answer = await socket.ask(balance=1, req_id=3)

    assert answer == {
        "echo_req": {"balance": 1, "req_id": 3},
        "req_id": 3,
        "msg_type": "balance",
        "error": {"code": "AuthorizationRequired", "message": "Please log in."},
    }


@pytest.mark.parametrize("text", ["", "no json", "[1]", "7", "null", '{"unheard_of": 1}', "{}", '{"ping": NaN}'])
async def test_what_is_no_request_is_unrecognised_and_the_connection_lives_on(venue, text):
    socket = await venue.connect()

    answer = await socket.tell(text)

    assert answer["msg_type"] == "error"
    assert answer["error"] == {"code": "UnrecognisedRequest", "message": "Unrecognised request."}
    assert (await socket.ask(ping=1))["ping"] == "pong"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"ping": 2}, "ping"),
        ({"ping": True}, "ping"),
        ({"ticks": 5}, "ticks"),
        ({"ticks": ["R_100", "x"]}, "ticks"),
        ({"ticks": []}, "ticks"),
        ({"ticks_history": "R_100"}, "end"),
        ({"ticks_history": "R_100", "end": "yesterday"}, "end"),
        ({"ticks_history": "R_100", "end": "latest", "granularity": 61}, "granularity"),
        ({"authorize": "with blanks"}, "authorize"),
        ({"active_symbols": "all"}, "active_symbols"),
        ({"forget": "short"}, "forget"),
        ({"forget_all": ["ticks", "dreams"]}, "forget_all"),
        ({"buy": "short", "price": 1}, "buy"),
        ({"buy": "1", "price": "1"}, "price"),
        ({"buy": "1", "price": 1, "parameters": {"contract_type": "CALL"}}, "parameters"),
        ({"buy": "1", "price": 1, "parameters": {**CALL_5T, "colour": "red"}}, "parameters"),
        ({"proposal": 1, "contract_type": "LUCK", "currency": "USD", "symbol": "R_100"}, "contract_type"),
        ({"proposal": 1, "contract_type": "CALL", "currency": "USD", "symbol": "R_100", "amount": -1}, "amount"),
        ({"statement": 1, "limit": 1000}, "limit"),
    ],
)
async def test_a_field_of_the_wrong_shape_is_named(venue, request_, field):
    socket = await venue.connect()

    error = await socket.error(**request_)

    assert error["code"] == "InputValidationFailed"
    assert list(error["details"]) == [field]
    assert field in error["message"]


async def test_a_property_that_the_schema_does_not_know_is_refused(venue):
    socket = await venue.connect()

    error = await socket.error(ping=1, colour="red")

    assert error["code"] == "InputValidationFailed"
    assert error["message"] == "Input validation failed: Properties not allowed: colour."


@pytest.mark.parametrize("app_id", ["0", "abc", "-5", "9" * 5_000])
async def test_a_wrong_app_id_is_told_with_every_answer(venue, app_id):
    socket = await venue.connect(query=f"app_id={app_id}")

    assert (await socket.error(ping=1))["code"] == "InvalidAppID"


async def test_without_an_app_id_no_connection_begins(venue):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await venue.connect(query="l=EN")

    assert refused.value.status == 401


async def test_another_path_is_no_websocket_of_this_venue(venue):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await venue.connect(path="/websockets/v4")

    assert refused.value.status == 404


async def test_a_connection_where_nothing_is_said_for_two_minutes_ends(venue):
    from copydesk.simulators.deriv.edge.hub import Client, Hub

    class Leaving:
        left = 0

        def leave(self):
            self.left += 1

    silent, talking = Leaving(), Leaving()
    hub = Hub(None, None)
    hub.clients = [Client(silent, None, active_ms=0), Client(talking, None, active_ms=1_000)]

    hub.end_idle(120_000)

    assert (silent.left, talking.left) == (1, 0)


async def test_silence_ends_a_connection_by_the_clock_on_the_wall_and_talk_keeps_it(start_deriv, monkeypatch):
    monkeypatch.setattr("copydesk.simulators.deriv.edge.hub.IDLE_MAX_MS", 2_500)
    async with start_deriv() as venue:
        silent, listening = await venue.connect(), await venue.connect()
        await listening.ask(ticks="1HZ100V", subscribe=1)

        assert await silent.is_closed()
        assert (await listening.ask(ping=1))["ping"] == "pong"
