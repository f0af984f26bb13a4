"""httpx over aiohttp: the same answers and the same errors, from a server that behaves and from one that does not."""

import asyncio
import contextlib
import gzip

import httpx
import pytest

from copydesk.client.transport import Transport


@contextlib.asynccontextmanager
async def serving(answer):
    """A server that hands each request's bytes to `answer` and writes what comes back; None closes the connection."""
    asked, serving_now = [], []

    async def serve(reader, writer):
        serving_now.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                asked.append((head, await reader.readexactly(int(lengths[0]) if lengths else 0)))
                told = await answer(head)
                if told is None:
                    break
                writer.write(told)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=0.3, transport=Transport()) as http:
        yield http, asked
    for one in serving_now:
        one.cancel()
    await asyncio.gather(*serving_now, return_exceptions=True)
    server.close()


def written(body, *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def test_a_question_goes_as_httpx_wrote_it_and_the_answer_comes_as_it_was_sent():
    async def answer(_):
        body = gzip.compress(b'{"found": true}')
        return written(body, "Content-Encoding: gzip", "Retry-After: 2", status="429 Too Many Requests")

    async with serving(answer) as (http, asked):
        got = await http.post("/a%20b", params={"x": "1 2"}, json={"y": 3}, headers={"Authorization": "Bearer me"})
        await http.get("/again")

    (head, body), (again, nothing) = asked
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a%20b?x=1+2 HTTP/1.1"
    assert b"authorization: bearer me" in head.lower()
    assert head.lower().count(b"user-agent:") == head.lower().count(b"host:") == 1
    assert (body, nothing) == (b'{"y":3}', b"")
    assert again.startswith(b"GET /again HTTP/1.1")
    assert (got.status_code, got.json(), got.headers["retry-after"]) == (429, {"found": True}, "2")


async def test_a_redirect_is_not_followed_and_no_cookie_is_kept_by_the_connections():
    async def answer(_):
        return written(b"", "Location: /elsewhere", "Set-Cookie: a=b", status="307 Temporary Redirect")

    async with serving(answer) as (http, asked):
        got = await http.get("/")

    assert (got.status_code, got.headers["location"], len(asked)) == (307, "/elsewhere", 1)


async def test_a_server_that_says_nothing_in_time_is_a_timeout():
    async def answer(_):
        await asyncio.sleep(5)

    async with serving(answer) as (http, _):
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/")


async def test_a_server_that_hangs_up_is_an_error_of_httpx_and_a_wish_is_not_sent_twice():
    async def answer(_):
        return None

    async with serving(answer) as (http, asked):
        with pytest.raises(httpx.ReadError):
            await http.post("/", json={})

    assert len(asked) == 1


async def test_a_server_that_is_not_there_is_an_error_of_httpx():
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1", transport=Transport()) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/")
