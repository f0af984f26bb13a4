"""Planted secrets, looked for in every answer, every log line and every file the desk writes."""

import pytest

from web_support import (
    ACCOUNTS,
    AUDIT,
    BOTS,
    EXECUTIONS,
    PASSWORD,
    SIGNALS,
    SUBSCRIPTIONS,
    USERS,
    WEBHOOK,
    assert_error,
    eventually,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARK = "zq7PLANTED7qz"
READS = [
    AUDIT,
    USERS,
    BOTS,
    ACCOUNTS,
    SUBSCRIPTIONS,
    SIGNALS,
    EXECUTIONS,
    "/users/me",
    "/users/me/config",
    "/openapi.json",
]


async def use_every_secret(desk, simulator):
    """Everything a desk does with secrets, well and badly; each of them carries the mark."""
    admin, provider, follower = [await desk.person(role) for role in ("admin", "provider", "follower")]
    keys = {"api_key": f"K{MARK}key", "api_secret": f"S{MARK}secret"}
    await simulator.tell("accounts", **keys, balance="100000")
    password = f"{MARK}-password"
    await admin.post(USERS, json={"username": "planted", "password": password, "role": "follower"})
    await desk.nobody.post("/token", data={"username": "planted", "password": password + "?"})
    await desk.nobody.post("/token", json={"username": "planted", "password": [password]})
    await admin.post(USERS, json={"username": "planted", "password": password, "role": "follower"})
    await admin.post(USERS, json={"username": "x", "password": password, "role": password})

    wish = {"name": "Planted", "venue": "binance-futures", "environment": "simulator"}
    account = (await follower.post(ACCOUNTS, json=wish | keys)).json()
    await follower.post(ACCOUNTS, json=wish | keys)
    await follower.post(ACCOUNTS, json=wish | keys | {"api_secret": f"W{MARK}wrong"})
    await follower.post(ACCOUNTS, json=wish | keys | {"name": "", "is_active": keys["api_secret"]})
    await follower.patch(f"{ACCOUNTS}/{account['id']}", json={"api_key": keys["api_key"]})
    await follower.post(f"{ACCOUNTS}/{account['id']}/check")
    await simulator.tell("faults", kind="html_502", next_n=1, path="GET /sapi/v1/account/apiRestrictions")
    await follower.post(f"{ACCOUNTS}/{account['id']}/check")

    secret = f"webhook-{MARK}-secret"
    made = await provider.post(BOTS, json={"name": "Planted", "master_secret": secret})
    desk.answers.remove(made.text)  # the one answer that may show it
    bot = made.json()
    path = f"{WEBHOOK}/{bot['master_webhook_path']}"
    await desk.subscription(follower, bot, account)
    await desk.nobody.post(path, json={"ticker": "BTCUSDT", "action": "buy"}, params={"secret": secret, "wait": 2})
    await desk.nobody.post(path, json={"ticker": "BTCUSDT", "action": "close"}, params={"secret": secret + "?"})
    await desk.nobody.post(path, json={"secret": secret, "ticker": "BTCUSDT", "action": "hodl"})
    await desk.nobody.post(path, json={"passphrase": secret, "ticker": "NOSUCH", "action": "buy"})
    await desk.nobody.post(path, content=f"{secret}\nBTCUSDT buy".encode(), params={"secret": secret})
    await desk.nobody.post(path, json={"secret": secret + "!", "ticker": "BTCUSDT", "action": "buy"})
    await desk.nobody.post(path, content=b"x", params={"secret": secret * 20})
    rotated = await provider.post(f"{BOTS}/{bot['id']}/rotate-secret", json={"master_secret": secret + "-two"})
    desk.answers.remove(rotated.text)
    await provider.post(f"{BOTS}/{bot['id']}/rotate-secret", json={"master_secret": f"example-{MARK}-example"})
    for person in (admin, provider, follower):
        for read in READS:
            await person.get(read)


async def test_no_answer_no_log_and_no_file_holds_a_secret(start_hub, simulator, capfd, caplog, tmp_path):
    async with start_hub(simulator_url=simulator.url) as desk:
        await use_every_secret(desk, simulator)

        assert len(desk.answers) > 40
        assert [answer for answer in desk.answers if MARK in answer] == []
        assert MARK not in caplog.text
    out, err = capfd.readouterr()
    assert MARK not in out + err
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"Planted" in stored, "the files that were read are the desk's"
    assert MARK.encode() not in stored


async def test_a_password_that_breaks_the_sign_in_does_not_reach_the_log(desk, capfd):
    await desk.nobody.post("/token", json={"username": "ada", "password": f"{MARK}\ud800"})

    out, err = capfd.readouterr()
    assert MARK not in out + err


async def test_a_webhook_secret_that_breaks_the_reading_does_not_reach_the_log(desk, capfd):
    bot, _ = await desk.bot(await desk.person("provider"))

    await desk.alert(bot, f"{MARK}\ud800")

    out, err = capfd.readouterr()
    assert MARK not in out + err


async def test_password_hashes_and_refresh_tokens_are_stored_in_no_readable_form(start_hub, tmp_path):
    async with start_hub() as desk:
        person = await desk.person()
        tokens = (
            await desk.nobody.post("/token", data={"username": person.user.username, "password": PASSWORD})
        ).json()

    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert PASSWORD.encode() not in stored
    assert tokens["refresh_token"].encode() not in stored
    assert tokens["access_token"].encode() not in stored
    assert b"$argon2id$" in stored


async def test_no_answer_holds_a_password_hash(desk):
    admin = await desk.person("admin")

    everything = "".join([(await admin.get(path)).text for path in READS])

    assert "argon2" not in everything
    assert "password_hash" not in everything
    assert "sealed" not in everything


async def test_an_error_of_the_server_tells_nothing_of_its_inside(start_hub):
    async with start_hub() as desk:
        admin = await desk.person("admin")

        async def break_down(*_):
            raise RuntimeError(f"{MARK} at /home/somebody/copydesk/stores/users.py")

        whole, desk.hub.passwords.__class__.hash = desk.hub.passwords.__class__.hash, break_down
        try:
            answer = await admin.post(USERS, json={"username": "ada", "password": PASSWORD, "role": "follower"})
        finally:
            desk.hub.passwords.__class__.hash = whole

        assert_error(answer, 500, "internal_error")
        assert MARK not in answer.text


async def test_the_master_key_is_readable_by_its_owner_alone(start_hub, tmp_path):
    async with start_hub():
        assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


async def test_a_refused_order_shows_no_key_in_its_timeline(desk, simulator):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider)
    keys = await simulator.key()
    await desk.subscription(follower, bot, await desk.futures_account(follower, simulator, **keys))
    await simulator.tell("accounts", api_key=keys["api_key"], api_secret="changed at the venue")

    await desk.alert(bot, secret, wait=2.5)

    async def settled():
        shown = await follower.get(EXECUTIONS)
        return shown if '"pending"' not in shown.text else None

    shown = await eventually(settled)
    assert shown.json()["items"]
    assert keys["api_key"] not in shown.text
    assert keys["api_secret"] not in shown.text
    assert "signature=" not in shown.text
