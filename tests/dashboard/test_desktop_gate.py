"""Who may look at a window's page: loopback is open to every user of the machine."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from copydesk.dashboard.desktop.gate import KEYS_MAX, Gate


@pytest.fixture
def gate():
    return Gate("master")


@pytest.fixture
def guarded(gate):
    async def page(_request):
        return PlainTextResponse("the page")

    return gate.before(Starlette(routes=[Route("/", page)]))


@pytest.fixture
def browser(guarded):
    return lambda: httpx.AsyncClient(
        transport=httpx.ASGITransport(guarded), base_url="http://127.0.0.1", follow_redirects=True
    )


async def test_a_stranger_gets_nothing_not_even_a_socket(browser, guarded):
    told = []

    async def keep(message):
        told.append(message)

    answer = await browser().get("/")
    await guarded({"type": "websocket", "path": "/", "query_string": b"", "headers": []}, None, keep)

    assert answer.status_code == 403
    assert "the page" not in answer.text
    assert [one["type"] for one in told] == ["websocket.close"]


async def test_a_key_is_good_for_one_look_and_its_browser_stays_known(gate, browser):
    key, mine, theirs = gate.key(), browser(), browser()

    first = await mine.get(f"/?key={key}")
    second = await theirs.get(f"/?key={key}")
    third = await mine.get("/")

    assert (first.status_code, first.text, third.status_code) == (200, "the page", 200)
    assert "key=" not in str(first.url)
    assert second.status_code == 403


async def test_the_cookie_is_hidden_from_scripts_and_from_other_sites(gate, browser):
    answer = await browser().get(f"/?key={gate.key()}", follow_redirects=False)

    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith("copydesk_master=")
    assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}


async def test_programs_of_ours_show_their_key_and_a_wrong_one_lets_nobody_in(gate, browser):
    right = await browser().get("/", headers={"x-copydesk-key": gate.own_key})
    wrong = await browser().get("/", headers={"x-copydesk-key": "x" + gate.own_key[1:]})

    assert (right.status_code, wrong.status_code) == (200, 403)


async def test_only_the_newest_unused_keys_are_good(gate, browser):
    oldest = gate.key()
    for _ in range(KEYS_MAX):
        gate.key()

    assert (await browser().get(f"/?key={oldest}")).status_code == 403
