"""The short way of an alert whose address has no query: what it answers is what the long way answers."""

import json
import re
from datetime import timedelta

import pytest
from test_web_metrics import scrape

from copydesk.domain.bot import MarketType
from web_support import WEBHOOK, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALERT = {"ticker": "BTCUSDT", "action": "buy"}
BODIES = {
    "an alert": lambda secret: {**ALERT, "secret": secret},
    "a wrong secret": lambda secret: {**ALERT, "secret": secret + "x"},
    "no action": lambda secret: {"secret": secret, "ticker": "BTCUSDT"},
    "a symbol nobody trades": lambda secret: {**ALERT, "secret": secret, "ticker": "BTCUSTD"},
    "a placeholder": lambda secret: {**ALERT, "secret": secret, "action": "{{strategy.order.action}}"},
    "a name that is told twice": lambda secret: (
        f'{{"secret":"{secret}","ticker":"BTCUSDT","action":"buy","action":"sell"}}'
    ),
    "too deep": lambda secret: "[" * 21 + "]" * 21,
    "too long": lambda secret: "x" * 70_000,
    "a text": lambda secret: f"{secret}\nbuy BTCUSDT",
}


async def send(desk, bot, body, query=""):
    content = body if isinstance(body, str) else json.dumps(body)
    return await desk.nobody.post(f"{WEBHOOK}/{bot['master_webhook_path']}{query}", content=content.encode())


def what_it_says(answer):
    """Without what differs from one signal to the next."""
    text = re.sub(r'"[0-9a-z]{26}"', '"id"', answer.text)
    text = re.sub(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"', '"time"', text)
    return answer.status_code, json.loads(text), answer.headers["content-type"]


@pytest.mark.parametrize("case", BODIES)
async def test_an_address_with_a_query_is_answered_like_one_without(desk, case):
    provider = await desk.person("provider")
    bots = [await desk.bot(provider, name="the same") for _ in range(2)]

    short, long = [
        await send(desk, bot, BODIES[case](secret), query)
        for (bot, secret), query in zip(bots, ("", "?wait=0"), strict=True)
    ]

    assert what_it_says(short) == what_it_says(long)


async def test_a_bot_that_is_paused_says_so_on_both_ways(desk):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider)
    await provider.patch(f"/api/v1/bots/{bot['id']}", json={"status": "paused"})

    for query in ("", "?wait=0"):
        assert_error(await send(desk, bot, {**ALERT, "secret": secret}, query), 409, "conflict")


@pytest.mark.parametrize(("method", "more", "status"), [("GET", "", 405), ("POST", "/more", 404)])
async def test_the_neighbours_of_the_address_are_nobody_s(desk, method, more, status):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider)

    answer = await desk.nobody.send(
        method, f"{WEBHOOK}/{bot['master_webhook_path']}{more}", json={**ALERT, "secret": secret}
    )

    assert_error(answer, status)


async def test_alerts_are_counted_by_their_route_whichever_way_they_took(start_hub):
    async with start_hub() as desk:
        provider = await desk.person("provider")
        bot, _ = await desk.bot(provider)
        for query in ("", "?wait=0", ""):
            await send(desk, bot, {**ALERT, "secret": "wrong"}, query)

        seen = await scrape(desk)

        assert seen.value("http_requests_total", route=f"{WEBHOOK}/{{path}}", method="POST", status="401") == 3


async def test_a_symbol_that_is_traded_is_asked_for_once_a_minute(desk):
    hub = desk.hub
    futures, began = MarketType.FUTURES, hub.clock.now()
    hub.traded.clear()
    await eventually(lambda: hub.knows_symbol(futures, "BTCUSDT", began))

    assert await hub.knows_symbol(futures, "BTCUSDT", began + timedelta(seconds=59))
    assert hub.traded[futures, "BTCUSDT"] == began
    assert await hub.knows_symbol(futures, "BTCUSDT", began + timedelta(seconds=61))
    assert hub.traded[futures, "BTCUSDT"] == began + timedelta(seconds=61)
    assert await hub.knows_symbol(futures, "BTCUSTD", began) is False
    assert (futures, "BTCUSTD") not in hub.traded
