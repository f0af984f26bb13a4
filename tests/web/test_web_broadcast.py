"""Signed signals over REST as masters and as strangers send them: who may speak, what is understood, what it becomes."""

import asyncio
import base64
import json
import secrets
from datetime import timedelta

import pytest

from copydesk.domain.signing import sign_v0, sign_v1
from copydesk.domain.user import Role
from web_support import AUDIT, BOTS, EXECUTIONS, SIGNALS, USERS, WEBHOOK, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROADCAST, CLOSE = "/signal/broadcast", "/signal/close"
STATS = {"total_subscribers", "successful_executions", "failed_executions", "skipped", "duration_ms"}


class Master:
    """A provider with a bot that takes signed signals; each message is signed with a new id unless told otherwise."""

    def __init__(self, desk, person, bot):
        self.desk, self.person, self.bot = desk, person, bot
        self.secret = bot["signing_secret"]

    def signed(self, body, *, message_id=None, at=None, skew_s=0, secret=None):
        at = at or self.desk.hub.clock.now()
        seconds = int((at + timedelta(seconds=skew_s)).timestamp())
        message_id = message_id or f"msg_{secrets.token_hex(8)}"
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign_v1(secret or self.secret, message_id=message_id, seconds=seconds, body=body),
        }

    def signed_v0(self, body, *, skew_s=0, token=None):
        at = self.desk.hub.clock.now() + timedelta(seconds=skew_s)
        timestamp = str(int(at.timestamp() * 1000))
        return {
            "X-Timestamp": timestamp,
            "X-Signature": sign_v0(token or self.person.token, timestamp, json.loads(body)),
        }

    async def post(self, body, headers, *, path=BROADCAST, person=None, **query):
        return await (person or self.person).post(path, content=body, headers=headers, params=query)

    async def send(self, *, path=BROADCAST, wait=None, message_id=None, **words):
        body = json.dumps(words).encode()
        query = {} if wait is None else {"wait": wait}
        return await self.post(body, self.signed(body, message_id=message_id), path=path, **query)

    async def open(self, ticket, kind="BUY", volume="0.10", **words):
        return await self.send(master_ticket=ticket, symbol="BTCUSDT", type=kind, volume=volume, **words)

    async def close(self, ticket, **words):
        return await self.send(path=CLOSE, master_ticket=ticket, **words)

    async def signal(self, answer):
        assert answer.status_code == 200, answer.text
        return (await self.person.get(f"{SIGNALS}/{answer.json()['signal_id']}")).json()

    async def steps(self, answer):
        signal = await self.signal(answer)
        return [(one["leg"], one["direction"], one["fraction"]) for one in signal["steps"]]


async def new_master(desk, **wish):
    provider = await desk.person("provider")
    bot, _ = await desk.bot(provider, **{"source": "rest", **wish})
    return Master(desk, provider, bot)


def ticket(number=1, **words):
    message = {"master_ticket": number, "symbol": "BTCUSDT", "type": "BUY", "volume": 0.1, "price": 95200, **words}
    return json.dumps(message).encode()


async def test_a_signed_ticket_is_answered_like_an_alert_and_stored(desk):
    master = await new_master(desk, name="Terminal")

    answer = await master.open(123456, price=95200.5, sl=94000, tp=0, comment="saída")

    body = answer.json()
    assert body["broadcast_stats"] == dict.fromkeys(STATS) | {"total_subscribers": 0}
    assert (body["success"], body["bot_name"], body["status"], body["duplicate"]) == (
        True,
        "Terminal",
        "accepted",
        False,
    )
    signal = await master.signal(answer)
    assert (signal["source"], signal["symbol"], signal["action"], signal["price"]) == (
        "rest",
        "BTCUSDT",
        "open_long",
        "95200.5",
    )
    assert signal["payload"]["comment"] == "saída"
    assert signal["steps"] == [{"leg": "open", "direction": "long", "fraction": "1"}]


async def test_a_follower_s_position_opens_shrinks_and_closes_with_the_ticket(desk, simulator):
    master = await new_master(desk)
    follower = await desk.person()
    account = await desk.futures_account(follower, simulator)
    await desk.subscription(follower, master.bot, account, custom_margin_usd="2000", custom_leverage=5)

    opened = await master.open(1, volume="0.4", sl=0, wait=2.5)
    modified = await master.open(1, volume="0.4", sl=94000, wait=2.5)
    grown = await master.open(1, volume="0.5", wait=2.5)
    part = await master.close(1, volume="0.1", wait=2.5)
    rest = await master.close(1, wait=2.5)

    answers = [one.json()["broadcast_stats"] for one in (opened, modified, grown, part, rest)]
    assert [one["successful_executions"] for one in answers] == [1, 0, 1, 1, 1]
    assert modified.json()["broadcast_stats"]["skipped"] == 1
    told = await follower.items(EXECUTIONS)
    quantities = [(one["leg"], one["executed_quantity"]) for one in reversed(told) if one["status"] == "success"]
    assert quantities == [("open", "0.105"), ("open", "0.026"), ("close", "0.026"), ("close", "0.105")]
    skipped = next(one for one in told if one["state"] == "SKIPPED")
    assert (
        skipped["reason"]
        == "Ticket 1 has its stop at 94000 and its target at none now: each follower's own stops count"
    )


async def test_without_an_event_a_ticket_tells_its_life_by_itself(desk):
    master = await new_master(desk)

    opened = await master.open(1, sl="94000")
    same = await master.open(1, sl=94000.0)
    moved = await master.open(1, sl="94500")
    closed = await master.close(1)
    again = await master.open(1, sl="94500")

    assert (same.json()["duplicate"], same.json()["signal_id"]) == (True, opened.json()["signal_id"])
    assert (await master.signal(moved))["action"] == "modify"
    assert await master.steps(moved) == []
    assert await master.steps(closed) == [("close", "long", "1")]
    assert_error(again, 409, "conflict")


async def test_a_closing_event_may_come_as_a_broadcast_too(desk):
    master = await new_master(desk)
    await master.open(1, volume=0.4)

    part = await master.send(master_ticket=1, event="partial_close", volume=0.1)

    assert await master.steps(part) == [("close", "long", "0.25")]
    assert await master.steps(await master.send(master_ticket=1, event="CLOSE")) == [("close", "long", "1")]


REFUSED_TICKETS = {
    "more than is open": (CLOSE, {"master_ticket": 1, "volume": 0.2}, 422),
    "a part of nothing": (CLOSE, {"master_ticket": 1, "volume": 0}, 422),
    "a ticket nobody opened": (CLOSE, {"master_ticket": 9}, 404),
    "a change of a ticket nobody opened": (BROADCAST, {"master_ticket": 9, "event": "MODIFY", "volume": 1}, 404),
    "the other direction": (BROADCAST, {"master_ticket": 1, "type": "SELL", "volume": 0.1}, 409),
    "another symbol": (BROADCAST, {"master_ticket": 1, "symbol": "ETHUSDT", "type": "BUY", "volume": 0.1}, 409),
    "an opening of an open ticket": (BROADCAST, {"master_ticket": 1, "event": "OPEN", "volume": 0.3}, 409),
    "a new ticket without a type": (BROADCAST, {"master_ticket": 2, "symbol": "BTCUSDT", "volume": 0.1}, 422),
    "no ticket": (CLOSE, {}, 422),
    "an opening sent to close": (CLOSE, {"master_ticket": 1, "event": "OPEN"}, 422),
}


@pytest.mark.parametrize(("path", "words", "status"), REFUSED_TICKETS.values(), ids=REFUSED_TICKETS)
async def test_what_does_not_fit_the_tickets_is_refused_and_changes_nothing(desk, path, words, status):
    master = await new_master(desk)
    await master.open(1)

    assert_error(await master.send(path=path, **words), status)

    assert len(await master.person.items(SIGNALS)) == 1
    assert await master.steps(await master.close(1)) == [("close", "long", "1")]


NOT_UNDERSTOOD = {
    "a type nobody knows": ({"type": "HODL"}, "type", "BUY, SELL"),
    "a type that is a number": ({"type": 0}, "type", "BUY_LIMIT"),
    "an end that is no moment": ({"type": "BUY_LIMIT", "expiration": "soon"}, "expiration", "moment"),
    "an end without its zone": ({"type": "BUY_LIMIT", "expiration": "2026-11-30T17:00"}, "expiration", "moment"),
    "an event nobody knows": ({"event": "EXPLODE"}, "event", "OPEN"),
    "a volume below 0": ({"volume": -1}, "volume", "above 0"),
    "a volume that is true": ({"volume": True}, "volume", "not a number"),
    "a volume that is a list": ({"volume": [1]}, "volume", "not a number"),
    "a volume of a thousand digits": ({"volume": "9" * 1000}, "volume", "number"),
    "a volume with too many decimals": ({"volume": "0.000000001"}, "volume", "after the point"),
    "a price below 0": ({"sl": -1}, "sl", "below 0"),
    "a price that is text": ({"price": "high"}, "price", "not a number"),
    "a ticket of 0": ({"master_ticket": 0}, "master_ticket", "above 0"),
    "a ticket with a point": ({"master_ticket": 1.0}, "master_ticket", "number"),
    "a ticket that is too long": ({"master_ticket": 2**63}, "master_ticket", "number"),
    "a symbol that cannot be one": ({"symbol": "../../etc"}, "symbol", "symbol"),
    "a symbol that is a number": ({"symbol": 5}, "symbol", "symbol"),
}


@pytest.mark.parametrize(("words", "field", "problem"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
async def test_what_is_not_understood_is_named(desk, words, field, problem):
    master = await new_master(desk)
    message = {"master_ticket": 1, "symbol": "BTCUSDT", "type": "BUY", "volume": 0.1, **words}

    error = assert_error(await master.send(**message), 422, "not_understood")

    assert [one["field"] for one in error["details"]["fields"]] == [field]
    assert problem in error["details"]["fields"][0]["problem"]


async def test_a_symbol_that_no_venue_trades_is_refused(desk):
    master = await new_master(desk)

    answer = await master.send(master_ticket=1, symbol="NOSUCHUSDT", type="BUY", volume=1)

    assert_error(answer, 422, "unknown_symbol")


async def test_a_terminal_s_symbol_keeps_the_broker_s_spelling(desk):
    master = await new_master(desk, market_type="mt5", source="master")

    answer = await master.send(master_ticket=1, symbol="XAUUSD.m", type="SELL", volume=1.0, sl=0.0, tp=1e-05)

    signal = await master.signal(answer)
    assert (signal["symbol"], signal["source"], signal["action"]) == ("XAUUSD.m", "master", "open_short")


BROKEN_BODIES = {
    "nothing": b"",
    "no JSON": b"master_ticket=1",
    "no object": b"[1]",
    "NaN": ticket().replace(b"95200", b"NaN"),
    "infinity": ticket().replace(b"95200", b"-Infinity"),
    "a number beyond every float": ticket().replace(b"95200", b"1e999"),
    "a name told twice": ticket().replace(b'"price"', b'"master_ticket"'),
    "a name told twice further in": ticket(meta="x").replace(b'"x"', b'{"a": 1, "a": 2}'),
    "bytes that are no text": b"\xff\xfe",
    "a NUL": ticket(comment="a\0b"),
    "half a surrogate pair": ticket(comment="\ud800"),
    "a NUL in a name": ticket(**{"a\0b": 1}),
}


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
async def test_a_body_that_could_be_read_in_two_ways_is_refused(desk, body):
    master = await new_master(desk)
    signable = body if body.isascii() or b"\xc3" in body else b""

    error = assert_error(await master.post(body, master.signed(signable)), 422, "not_understood")

    assert error["details"]["fields"][0]["field"] == "body"


async def test_a_token_without_a_signature_opens_nothing(desk):
    master = await new_master(desk, signature_v0=True)

    error = assert_error(await master.post(ticket(), {}), 401, "unauthorized")

    assert "webhook-signature" in error["message"]
    botless = await desk.person("provider")
    assert_error(await master.post(ticket(), {}, person=botless), 401)
    assert_error(await master.post(ticket(), master.signed(ticket()), person=botless), 404)


ALMOST = ["webhook-id", "webhook-timestamp", "webhook-signature"]


@pytest.mark.parametrize("missing", ALMOST)
async def test_each_of_the_three_headers_is_needed(desk, missing):
    master = await new_master(desk)
    headers = master.signed(ticket())
    del headers[missing]

    assert_error(await master.post(ticket(), headers), 401)


async def test_a_signature_is_for_one_body_one_secret_and_one_bot(desk):
    master, other = await new_master(desk), await new_master(desk)
    body = ticket()
    invented = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

    assert_error(await master.post(ticket(volume=9), master.signed(body)), 401)
    assert_error(await master.post(body, master.signed(body, secret=invented)), 401)
    assert_error(await master.post(body, master.signed(body, secret=other.secret)), 401)
    assert_error(await master.post(body, {**master.signed(body), "webhook-id": "x" * 201}), 401)
    assert await master.person.items(SIGNALS) == []


@pytest.mark.parametrize("skew_s", [-55, 55])
async def test_clocks_may_differ_by_less_than_a_minute(desk, skew_s):
    master = await new_master(desk, signature_v0=True)

    assert (await master.post(ticket(1), master.signed(ticket(1), skew_s=skew_s))).status_code == 200
    assert (await master.post(ticket(2), master.signed_v0(ticket(2), skew_s=skew_s))).status_code == 200


@pytest.mark.parametrize("skew_s", [-65, 65])
async def test_a_signature_from_another_minute_is_refused_with_both_times(desk, skew_s):
    master = await new_master(desk, signature_v0=True)

    for headers in (master.signed(ticket(), skew_s=skew_s), master.signed_v0(ticket(), skew_s=skew_s)):
        error = assert_error(await master.post(ticket(), headers), 401)
        assert "this desk's clock says" in error["message"]
    # A wrong signature is not told what the clock says.
    error = assert_error(await master.post(ticket(2), master.signed(ticket(), skew_s=skew_s)), 401)
    assert "clock" not in error["message"]


async def test_the_same_message_again_is_the_same_signal(desk):
    master = await new_master(desk)
    await master.open(1, volume=0.4)
    body = json.dumps({"master_ticket": 1, "volume": 0.1}).encode()
    headers = master.signed(body, message_id="msg_part")

    first = await master.post(body, headers, path=CLOSE)
    replayed = await master.post(body, headers, path=CLOSE)
    resent = await master.post(body, master.signed(body, message_id="msg_part", skew_s=5), path=CLOSE)

    assert [one.json()["duplicate"] for one in (first, replayed, resent)] == [False, True, True]
    assert {one.json()["signal_id"] for one in (first, replayed, resent)} == {first.json()["signal_id"]}
    assert await master.steps(await master.close(1, volume=0.3)) == [("close", "long", "1")]


async def test_an_id_is_for_one_message_only(desk):
    master = await new_master(desk)
    body = ticket(1, volume=0.4)
    headers = master.signed(body, message_id="msg_open")
    assert (await master.post(body, headers)).status_code == 200

    other = ticket(2)

    assert_error(await master.post(other, master.signed(other, message_id="msg_open")), 409)
    # The signature does not cover the address: what opened a ticket must not close it.
    assert_error(await master.post(body, headers, path=CLOSE), 409)


async def test_a_repeat_of_what_a_ticket_said_once_does_not_turn_it_back(desk):
    master = await new_master(desk)
    await master.open(1, volume=0.4)
    body = ticket(1, volume=0.4)
    headers = master.signed(body)
    same = await master.post(body, headers)
    await master.open(1, volume=0.2)

    replayed = await master.post(body, headers)

    assert (same.json()["duplicate"], replayed.json()["duplicate"]) == (True, True)
    assert await master.steps(await master.open(1, volume=0.1)) == [("close", "long", "0.5")]


async def test_v0_is_taken_only_where_the_bot_says_so(desk):
    strict, lenient = await new_master(desk), await new_master(desk, signature_v0=True)

    error = assert_error(await strict.post(ticket(), strict.signed_v0(ticket())), 401)
    first = await lenient.post(ticket(), headers := lenient.signed_v0(ticket()))
    again = await lenient.post(ticket(), headers)

    assert "signature_v0" in error["message"]
    assert (first.status_code, again.json()["duplicate"]) == (200, True)
    assert_error(await lenient.post(ticket(2), headers), 401)
    assert_error(await lenient.post(ticket(2), lenient.signed_v0(ticket(2), token="another token")), 401)
    assert_error(await lenient.post(ticket(2), {"X-Signature": lenient.signed_v0(ticket(2))["X-Signature"]}), 401)
    # A v1 header decides what is checked: a wrong one is not made good by a right v0 signature.
    assert_error(await lenient.post(ticket(2), {**lenient.signed_v0(ticket(2)), "webhook-id": "msg"}), 401)


async def test_v0_signs_the_json_and_not_its_blanks(desk):
    master = await new_master(desk, signature_v0=True)
    body = json.dumps(json.loads(ticket()), indent=2, sort_keys=True).encode()

    assert (await master.post(body, master.signed_v0(ticket()))).status_code == 200


async def test_only_providers_and_admins_may_send(desk):
    master = await new_master(desk)
    headers = master.signed(ticket())

    assert_error(await master.post(ticket(), headers, person=desk.nobody), 401)
    assert_error(await master.post(ticket(), headers, person=await desk.person()), 403)
    stranger = await desk.person("provider")
    assert_error(await master.post(ticket(), headers, person=stranger), 404)
    named = ticket(bot_id=master.bot["id"])
    assert_error(await master.post(named, master.signed(named), person=stranger), 404)
    assert (await master.post(named, master.signed(named), person=await desk.person("admin"))).status_code == 200


async def test_with_several_bots_the_message_names_one(desk):
    master = await new_master(desk, name="First")
    second, _ = await desk.bot(master.person, name="Second", source="master")
    alerts, _ = await desk.bot(master.person, name="Alerts")

    error = assert_error(await master.open(1), 422, "invalid_input")

    assert f"{master.bot['id']} (First)" in error["message"]
    assert f"{second['id']} (Second)" in error["message"]
    assert alerts["id"] not in error["message"]
    assert (await master.open(1, bot_id=master.bot["id"])).json()["bot_name"] == "First"
    # Each bot has a secret of its own.
    assert_error(await master.open(2, bot_id=second["id"]), 401)
    assert_error(await master.open(2, bot_id=alerts["id"]), 422)
    assert_error(await master.open(2, bot_id="0" * 26), 404)
    assert_error(await master.open(2, bot_id=7), 422)
    assert (await master.person.delete(f"{BOTS}/{second['id']}")).status_code == 204
    assert (await master.open(2)).json()["bot_name"] == "First"


async def test_a_paused_bot_takes_no_signed_signals(desk):
    master = await new_master(desk)
    await master.person.patch(f"{BOTS}/{master.bot['id']}", json={"status": "paused"})

    assert_error(await master.open(1), 409)


async def test_a_foreign_terminal_is_refused_and_written_down(desk):
    master, admin = await new_master(desk), await desk.person(Role.ADMIN)
    await admin.patch(f"{USERS}/{master.person.user.id}", json={"allowed_mt5_id": 5012345})

    right = await master.open(1, mt5_login=5012345)
    as_text = await master.open(2, mt5_login="5012345")
    wrong = await master.open(3, mt5_login=5012346)

    assert (right.status_code, as_text.status_code) == (200, 200)
    assert_error(wrong, 403, "forbidden")
    lines = [one for one in await admin.items(AUDIT) if one["action"] == "signal.foreign_login"]
    assert lines[0]["subject"] == master.bot["id"]
    assert lines[0]["details"] == {"mt5_login": "5012346", "allowed_mt5_id": 5012345}
    assert len(await master.person.items(SIGNALS)) == 2


async def test_a_ticket_without_its_login_is_judged_by_the_one_reported_last(desk):
    master, admin = await new_master(desk), await desk.person(Role.ADMIN)
    await admin.patch(f"{USERS}/{master.person.user.id}", json={"allowed_mt5_id": 5012345})

    await master.person.post("/mt5/status", json={"login": 5012345, "server": "Broker-Demo", "connected": True})
    right = await master.open(1)
    await master.person.post("/mt5/status", json={"login": 5012346, "server": "Broker-Demo", "connected": True})
    wrong = await master.open(2)

    assert right.status_code == 200
    assert_error(wrong, 403, "forbidden")


async def test_who_may_send_from_no_terminal_may_name_none(desk):
    master = await new_master(desk)

    assert_error(await master.open(1, mt5_login=5012345), 403)


async def test_a_rotated_secret_takes_over_while_the_old_one_still_works(desk):
    master = await new_master(desk)
    old = master.secret
    body = ticket()

    answer = await master.person.post(f"{BOTS}/{master.bot['id']}/rotate-secret", json={"overlap_s": 0})
    new = answer.json()["signing_secret"]

    assert answer.json()["master_secret"] is None
    assert new != old
    assert_error(await master.post(body, master.signed(body, secret=old)), 401)
    assert (await master.post(body, master.signed(body, secret=new))).status_code == 200
    await master.person.post(f"{BOTS}/{master.bot['id']}/rotate-secret", json={"overlap_s": 60})
    assert (await master.post(ticket(2), master.signed(ticket(2), secret=new))).status_code == 200


async def test_the_signing_secret_is_shown_once_and_kept_sealed(desk):
    master = await new_master(desk)
    stored = base64.b64decode(master.secret.removeprefix("whsec_"), validate=True)

    assert len(stored) >= 24
    assert master.bot["master_secret"] is None
    assert master.bot["webhook_url"] is None
    listed = await master.person.get(f"{BOTS}/{master.bot['id']}")
    assert master.secret not in listed.text
    database = b"".join(path.read_bytes() for path in desk.folder.glob("copydesk.db*"))
    assert master.secret.encode() not in database
    assert master.secret.removeprefix("whsec_").encode() not in database


async def test_a_signed_bot_takes_no_wish_for_its_secret_and_no_alerts(desk):
    provider = await desk.person("provider")
    wish = {"name": "Mine", "source": "rest", "master_secret": "a secret of my own, quite long"}

    error = assert_error(await provider.post(BOTS, json=wish), 422)
    master = await new_master(desk)
    path = f"{WEBHOOK}/{master.bot['master_webhook_path']}"
    alert = await desk.nobody.post(path, json={"secret": master.secret, "ticker": "BTCUSDT", "action": "buy"})

    assert error["details"]["fields"][0]["field"] == "master_secret"
    assert_error(alert, 401)


async def test_tickets_of_two_bots_have_nothing_to_do_with_each_other(desk):
    one, two = await new_master(desk), await new_master(desk)

    assert await one.steps(await one.open(1)) == [("open", "long", "1")]
    assert await two.steps(await two.open(1, kind="SELL")) == [("open", "short", "1")]


async def test_many_messages_at_once_for_one_ticket_open_it_once(desk):
    master = await new_master(desk)
    follower = await desk.person()
    await desk.subscription(follower, master.bot, await desk.paper_account(follower))

    answers = await asyncio.gather(*(master.open(1) for _ in range(10)))

    assert sorted(one.json()["duplicate"] for one in answers) == [False] + [True] * 9
    found = await eventually(lambda: follower.items(EXECUTIONS))
    assert [one["leg"] for one in found] == ["open"]
