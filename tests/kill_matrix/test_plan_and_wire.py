"""A seed tells the whole plan, and the wire strikes at the very bytes that it is armed for."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise

import pytest

from kill_matrix.plan import followers, rounds
from kill_matrix.points import BREAKER, LEAVES_SENDING, NAMED, STOPPED, TAKE_OVERS
from kill_matrix.wire import Wire


def test_the_same_seed_plans_the_same_and_another_seed_something_else():
    assert rounds(1, 50) == rounds(1, 50)
    assert rounds(1, 50) != rounds(2, 50)
    assert followers(1) == followers(1)
    assert followers(1) != followers(2)


@pytest.mark.parametrize("seed", range(5))
def test_fifty_kills_plan_each_named_point_at_least_twice_and_two_stopped_hubs(seed):
    points = [one.point for one in rounds(seed, 50)]

    assert all(points.count(point) >= 2 for point in NAMED)
    assert points.count(STOPPED) == 2
    assert points.count(BREAKER) == 1
    assert len(points) == 53


@pytest.mark.parametrize("kills", [20, 50, 500])
def test_a_take_over_always_finds_something_to_take_over(kills):
    for before, after in pairwise(rounds(1, kills)):
        assert after.point not in TAKE_OVERS or before.point in LEAVES_SENDING


@dataclass(frozen=True)
class Dialect:
    """How an order is spelled and answered; `first` is what of it has gone on when its second piece comes."""

    opening: bytes
    order: bytes
    first: bytes
    answer: bytes


HTTP = Dialect(
    opening=b"",
    order=b"POST /fapi/v1/order HTTP/1.1\r\nContent-Length: 10\r\n\r\nsymbol=BTC",
    first=b"POST /fapi/v1/order HTTP/1.1\r\nContent-Length: 10\r\n",
    answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
)
_ASKED = b'{"id":1,"method":"order.place","params":{"side":"BUY","symbol":"BTC'
_FRAME = bytes([0x81, 0x80 | len(_ASKED), 0, 0, 0, 0]) + _ASKED
SOCKET = Dialect(
    opening=b"GET /ws-fapi/v1 HTTP/1.1\r\n\r\n",
    order=_FRAME,
    first=_FRAME,  # a frame goes on as a whole
    answer=b'\x81\x18{"id":1,"status":200}    ',
)


class Exchange:
    """Answers once the end of the order is there; what reached it is in `received`."""

    def __init__(self, dialect):
        self.dialect = dialect
        self.received = b""

    async def serve(self, reader, writer):
        while chunk := await reader.read(1000):
            self.received += chunk
            if self.received.endswith(b"BTC"):
                writer.write(self.dialect.answer)
        writer.close()


@pytest.fixture(params=[HTTP, SOCKET], ids=["http", "socket"])
def dialect(request):
    return request.param


@pytest.fixture
def play(dialect):
    """An order, in two pieces, over an armed wire: what the exchange has got of it, and the client of the answer."""

    async def run(point, *, forwards=False):
        exchange = Exchange(dialect)
        server = await asyncio.start_server(exchange.serve, "127.0.0.1", 0)
        wire = Wire(server.sockets[0].getsockname()[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", int((await wire.open()).rpartition(":")[2]))
        wire.arm(point, 1, writer.transport.abort, forwards=forwards)
        for piece in (dialect.opening, dialect.order[:50], dialect.order[50:]):
            writer.write(piece)
            await asyncio.sleep(0.05)
        async with asyncio.timeout(2):
            answer = await reader.read()
        await asyncio.sleep(0.05)
        await wire.close()
        server.close()
        return exchange.received.removeprefix(dialect.opening), answer, wire.changes

    return run


async def test_at_the_first_byte_the_exchange_hears_nothing_of_what_is_withheld(play):
    received, answer, changes = await play("first_byte")

    assert (received, answer, changes) == (b"", b"", ["POST order"])


async def test_at_the_first_byte_what_is_forwarded_reaches_the_exchange_after_the_hubs_death(play, dialect):
    received, answer, _ = await play("first_byte", forwards=True)

    assert (received, answer) == (dialect.first, b"")


async def test_once_a_request_is_sent_the_exchange_has_all_of_it_and_the_hub_nothing_of_the_answer(play, dialect):
    received, answer, _ = await play("request_sent")

    assert (received, answer) == (dialect.order, b"")


async def test_in_the_middle_of_the_answer_the_hub_has_got_half_of_it(play, dialect):
    received, answer, _ = await play("mid_answer")

    assert (received, answer) == (dialect.order, dialect.answer[: len(dialect.answer) // 2])
