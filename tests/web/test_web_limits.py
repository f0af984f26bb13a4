"""How much is too much: bodies, depth, requests a user and alerts a bot, with the limits as they ship."""

import pytest

from copydesk.web.limits import Limits
from web_support import BOTS, WEBHOOK, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
KIB = 1024


def nested(levels):
    return b'{"note":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


async def chunks(size):
    for _ in range(0, size, KIB):
        yield b" " * KIB


@pytest.mark.parametrize("path", ["/token", "/token/refresh", BOTS, "/users/config", "/logout"])
async def test_a_body_of_more_than_256_kib_is_a_413_anywhere(desk, path):
    person = await desk.person("admin")

    fits = await person.post(path, content=b" " * 256 * KIB, headers=JSON)
    answer = await person.post(path, content=b" " * (256 * KIB + 1), headers=JSON)

    assert fits.status_code in {204, 400, 422}
    assert_error(answer, 413)


async def test_a_webhook_s_body_ends_at_64_kib(desk):
    _, secret = bot = await desk.bot(await desk.person("provider"))
    path = f"{WEBHOOK}/{bot[0]['master_webhook_path']}"
    body = b'{"secret":"%s","ticker":"BTCUSDT","action":"buy","note":"' % secret.encode()

    fits = await desk.nobody.post(path, content=body + b"x" * (64 * KIB - len(body) - 2) + b'"}')
    answer = await desk.nobody.post(path, content=body + b"x" * (64 * KIB - len(body) - 1) + b'"}')

    assert fits.status_code == 200, fits.text
    assert_error(answer, 413)


@pytest.mark.parametrize(("path", "size"), [(BOTS, 257), (f"{WEBHOOK}/any", 65)])
async def test_a_body_that_does_not_tell_its_length_is_counted_as_it_comes(desk, path, size):
    person = await desk.person("admin")

    assert_error(await person.post(path, content=chunks(size * KIB), headers=JSON), 413)


@pytest.mark.parametrize("path", [BOTS, "/token", f"{WEBHOOK}/any"])
async def test_json_nested_more_than_twenty_levels_is_refused_before_it_is_read(desk, path):
    person = await desk.person("admin")

    answer = await person.post(path, content=nested(21), headers=JSON)
    deep = await person.post(path, content=nested(20_000), headers=JSON)

    assert_error(answer, 422, "body_too_deep")
    assert_error(deep, 422, "body_too_deep")
    assert "body_too_deep" not in (await person.post(path, content=nested(20), headers=JSON)).text


async def test_brackets_inside_of_texts_are_not_levels(desk):
    provider = await desk.person("provider")

    answer = await provider.post(BOTS, json={"name": "a bot", "description": '[[[[{{{{"\\' * 10})

    assert answer.status_code == 201


async def test_depth_cannot_be_hidden_behind_another_encoding(desk):
    """In UTF-16 the byte of a quotation mark is part of other letters: what counts bytes loses its place."""
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider)
    levels = "[" * 600 + "]" * 600
    deep = f'{{"secret":"{secret}","ticker":"BTCUSDT","action":"buy","a":"\u2230","b":{levels}}}'

    answer = await desk.nobody.post(f"{WEBHOOK}/{bot['master_webhook_path']}", content=deep.encode("utf-16-le"))

    assert answer.status_code in {401, 422}, answer.text
    assert (await provider.get("/api/v1/bot-signals")).status_code == 200


async def test_a_user_has_twenty_requests_at_once_and_ten_a_second_after(start_hub):
    async with start_hub(limits=Limits()) as desk:
        person, other = await desk.person(), await desk.person()

        codes = [(await person.get("/users/me")).status_code for _ in range(40)]
        answer = await person.get("/users/me")
        theirs = await other.get("/users/me")

        assert codes[:20] == [200] * 20
        assert codes.count(429) >= 10
        assert_error(answer, 429, "too_many_requests")
        assert int(answer.headers["Retry-After"]) >= 1
        assert theirs.status_code == 200
        desk.hub.clock.forward(seconds=int(answer.headers["Retry-After"]))
        assert (await person.get("/users/me")).status_code == 200


async def test_a_user_s_tokens_share_one_limit(start_hub):
    async with start_hub(limits=Limits()) as desk:
        person = await desk.person()
        twin = type(person)(desk, person.user, desk.hub.tokens.access(person.user, desk.hub.clock.now()))

        codes = [(await one.get("/users/me")).status_code for one in (person, twin) * 20]

        assert codes.count(429) >= 10


async def test_a_bot_takes_a_hundred_alerts_at_once_and_then_says_when(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url, limits=Limits()) as desk:
        provider = await desk.person("provider")
        (bot, secret), (other, its_secret) = await desk.bot(provider), await desk.bot(provider)

        codes = [(await desk.alert(bot, secret, id="one and the same")).status_code for _ in range(100)]
        more = [await desk.alert(bot, secret, id="one and the same") for _ in range(60)]

        assert codes == [200] * 100
        refused = [one for one in more if one.status_code == 429]
        assert refused
        assert_error(refused[0], 429)
        assert int(refused[0].headers["Retry-After"]) >= 1
        assert (await desk.alert(other, its_secret)).status_code == 200


async def test_who_guesses_at_a_webhook_is_slowed_down_and_its_bot_is_not(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url, limits=Limits()) as desk:
        bot, secret = await desk.bot(await desk.person("provider"))

        codes = [(await desk.alert(bot, f"guess {count}")).status_code for count in range(160)]

        assert set(codes) == {401, 429}
        assert (await desk.alert(bot, secret)).status_code == 200
