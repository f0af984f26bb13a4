"""One connection to Deriv: which answer is whose, and what is not known once something cannot be read."""

import asyncio
import json
from dataclasses import dataclass

import picows
import pytest

from copydesk.domain.errors import OutcomeUnknown, VenueUnavailable
from copydesk.ports.clock import SystemClock
from copydesk.venues.deriv.connection import Connection


@dataclass
class Frame:
    """As picows hands one out."""

    payload: bytes
    fin: bool = True
    msg_type: picows.WSMsgType = picows.WSMsgType.TEXT

    def get_payload_as_bytes(self):
        return self.payload


class Transport:
    """Keeps what would have been sent."""

    def __init__(self):
        self.sent = []

    def send(self, _kind, text):
        self.sent.append(json.loads(text))

    def disconnect(self):
        """Nobody is there."""


class Wire:
    """A connection whose other end is the test."""

    def __init__(self):
        self.told, self.ends = [], 0
        self.connection = Connection(SystemClock(), 1, self.told.append, self._ended)
        self.transport = Transport()
        self.connection.on_ws_connected(self.transport)

    def _ended(self):
        self.ends += 1

    async def ask(self, **request):
        asked = asyncio.get_running_loop().create_task(self.connection.ask(request))
        await asyncio.sleep(0)
        return asked

    def say(self, text, **more):
        self.connection.on_ws_frame(
            self.transport, Frame(text if isinstance(text, bytes) else json.dumps(text).encode(), **more)
        )


async def test_answers_find_their_questions_by_number_in_any_order():
    wire = Wire()
    first, second = await wire.ask(ping=1), await wire.ask(time=1)

    wire.say({"req_id": 2, "time": 7})
    wire.say({"req_id": 1, "ping": "pong"})

    assert ((await first)["ping"], (await second)["time"]) == ("pong", 7)
    assert [one["req_id"] for one in wire.transport.sent] == [1, 2]


async def test_an_answer_in_parts_is_one_answer():
    wire = Wire()
    asked = await wire.ask(ping=1)

    wire.say(b'{"req_id": 1, "pi', fin=False)
    wire.say(b'ng": "pong"}', msg_type=picows.WSMsgType.CONTINUATION)

    assert (await asked)["ping"] == "pong"


@pytest.mark.parametrize("text", [b"", b'{"req_id": 1, "buy', b"[1]", b"null", b'{"buy": {}}'])
async def test_what_cannot_be_read_leaves_all_that_wait_unknown(text):
    wire = Wire()
    both = [await wire.ask(buy="a"), await wire.ask(buy="b")]

    wire.say(text)

    for asked in both:
        with pytest.raises(OutcomeUnknown):
            await asked


async def test_an_answer_that_nobody_waits_for_is_nobody_s():
    wire = Wire()
    asked = await wire.ask(ping=1)

    wire.say({"req_id": 99, "buy": {}})
    wire.say({"req_id": 1, "ping": "pong"})

    assert (await asked)["ping"] == "pong"


async def test_messages_of_a_stream_are_told_and_answer_nothing():
    wire = Wire()
    subscribed = await wire.ask(transaction=1, subscribe=1)
    wire.say({"req_id": 1, "transaction": {}, "subscription": {"id": "x"}})
    await subscribed

    wire.say({"req_id": 1, "transaction": {"action": "buy"}, "subscription": {"id": "x"}})

    assert [one["transaction"]["action"] for one in wire.told] == ["buy"]


async def test_the_end_is_told_once_and_leaves_what_was_asked_unknown_and_nothing_more_to_be_asked():
    wire = Wire()
    asked = await wire.ask(buy="a")

    wire.connection.on_ws_disconnected(wire.transport)
    wire.connection.on_ws_disconnected(wire.transport)

    with pytest.raises(OutcomeUnknown):
        await asked
    with pytest.raises(VenueUnavailable):
        await wire.connection.ask({"ping": 1})
    assert (wire.ends, wire.connection.is_open) == (1, False)


async def test_an_answer_that_does_not_come_is_unknown_and_too_late_afterwards():
    wire = Wire()
    wire.connection._timeout_s = 0.01
    asked = await wire.ask(buy="a")

    with pytest.raises(OutcomeUnknown):
        await asked
    wire.say({"req_id": 1, "buy": {}})
