"""The hub as a long-lived program meets it: tokens that run out, answers that do not come, and clear refusals."""

import json
import random

import httpx
import pytest

from copydesk.domain.signing import verify_v0, verify_v1
from copydesk.ports.clock import SystemClock
from copydesk.terminal.backoff import back_off
from copydesk.terminal.hub import Accepted, Access, Hub, Later, NoStanding, Refused, SignInRefused
from copydesk.terminal.journal import Message

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXMgaGVyZSEh"
MESSAGE = Message(route="/signal/broadcast", id="mt5_1", body=b'{"master_ticket": 7}', told=None)
TAKEN = {
    "success": True,
    "bot_name": "Paula",
    "signal_id": "s1",
    "signal_ids": ["s1"],
    "status": "accepted",
    "duplicate": False,
    "broadcast_stats": {"total_subscribers": 0},
    "timestamp": "2026-01-05T12:00:00Z",
}
PROFILE = {
    "id": "u1",
    "username": "paula",
    "role": "provider",
    "allowed_mt5_id": 1001,
    "mt5_path": "",
    "subscription": "free",
}


class Server:
    """Counts sign-ins; every token lives for `lives` requests; `says` answers by path before anything else."""

    def __init__(self, lives=1_000):
        self.lives, self.left, self.issued = lives, 0, 0
        self.says, self.posts, self.sign_ins, self.bots = {}, [], 0, []
        self.refreshes = True

    def __call__(self, request):
        path = request.url.path
        if path in self.says:
            return self.says[path].pop(0) if len(self.says[path]) > 1 else self.says[path][0]
        if path == "/token" or (path == "/token/refresh" and self.refreshes):
            self.sign_ins += path == "/token"
            self.issued, self.left = self.issued + 1, self.lives
            return httpx.Response(200, json=self._tokens())
        if (
            path == "/token/refresh"
            or request.headers.get("authorization") != f"Bearer t{self.issued}"
            or self.left < 1
        ):
            return refusal(401, "sign in first")
        self.left -= 1
        if path == "/users/me":
            return httpx.Response(200, json=PROFILE)
        if path == "/api/v1/bots":
            own = [one for one in self.bots if one["source"] == request.url.params["source"]]
            return httpx.Response(200, json={"items": own, "next": None})
        self.posts.append(request)
        return httpx.Response(200, json=TAKEN)

    def _tokens(self):
        return {
            "access_token": f"t{self.issued}",
            "refresh_token": "r",
            "token_type": "bearer",
            "expires_in": 900,
            "role": "provider",
        }


def refusal(status, message, code="refused"):
    return httpx.Response(status, json={"error": {"code": code, "message": message, "details": {}}})


@pytest.fixture
def server():
    return Server()


def link(server, **more):
    access = Access(**{"url": "http://hub", "username": "paula", "password": "p", "signing_secret": SECRET} | more)
    return Hub(access, SystemClock(), transport=httpx.MockTransport(server))


async def test_a_message_is_signed_over_its_bytes_with_its_own_id(server):
    async with link(server) as hub:
        assert await hub.post(MESSAGE) == Accepted(signal_id="s1", duplicate=False)

    sent = server.posts[0]
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    identity, timestamp, signature = (sent.headers[name] for name in names)
    assert identity == "mt5_1"
    assert verify_v1([SECRET], message_id=identity, timestamp=timestamp, signature=signature, body=MESSAGE.body)


async def test_v0_is_signed_with_the_token_where_the_owner_wants_it(server):
    async with link(server, signing_secret=None, signs_v0=True) as hub:
        await hub.post(MESSAGE)

    sent = server.posts[0]
    timestamp, signature = sent.headers["x-timestamp"], sent.headers["x-signature"]
    assert verify_v0("t1", timestamp=timestamp, signature=signature, payload=json.loads(MESSAGE.body))


async def test_a_token_that_ran_out_is_renewed_in_between(server):
    server.lives = 1
    async with link(server) as hub:
        assert [type(await hub.post(MESSAGE)) for _ in range(5)] == [Accepted] * 5

    assert server.sign_ins == 1


async def test_where_renewing_is_refused_too_the_user_signs_in_again(server):
    server.refreshes = False
    async with link(server) as hub:
        await hub.post(MESSAGE)
        server.left = 0
        hub._signed_in_at = float("-inf")
        assert isinstance(await hub.post(MESSAGE), Accepted)

    assert server.sign_ins == 2


async def test_a_signature_that_the_hub_refuses_is_no_lost_message(server):
    server.says["/signal/broadcast"] = [refusal(401, "the signature does not fit this message")]
    async with link(server) as hub:
        told = await hub.post(MESSAGE)

    assert isinstance(told, Later)
    assert "signature does not fit" in told.reason


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
async def test_a_clear_no_is_a_refusal_with_the_hubs_reason(server, status):
    server.says["/signal/broadcast"] = [refusal(status, "ticket 7 is closed")]
    async with link(server) as hub:
        told = await hub.post(MESSAGE)

    assert told == Refused(reason="ticket 7 is closed", conflicts=status == 409, is_unknown=status == 404)


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(502, text="bad gateway"), httpx.Response(404)])
async def test_what_is_not_the_hubs_own_word_is_asked_again_later(server, answer):
    """A proxy's 404 is none of ours: nothing proves that the message was refused."""
    server.says["/signal/broadcast"] = [answer]
    async with link(server) as hub:
        assert isinstance(await hub.post(MESSAGE), Later)


async def test_a_hub_that_is_away_is_waited_for():
    def away(_request):
        raise httpx.ConnectError("connection refused")

    async with link(away) as hub:
        assert await hub.standing() == Later(reason="connection refused")
        assert await hub.post(MESSAGE) == Later(reason="connection refused")


async def test_the_hub_says_which_account_and_how_old_an_opening_may_be(server, bot_answer):
    server.bots = [bot_answer(open_freshness_s=20)]
    server.bots.append(bot_answer(open_freshness_s=5, master_webhook_path=None))
    async with link(server) as hub:
        standing = await hub.standing()

    assert (standing.login, standing.path, standing.open_freshness_s) == (1001, None, 20)


async def test_of_several_bots_one_must_be_named(server, bot_answer):
    server.bots = [bot_answer(source="rest", id="b2"), bot_answer()]
    server.says["/api/v1/bots/b2"] = [httpx.Response(200, json=bot_answer(id="b2", open_freshness_s=60))]
    async with link(server) as hub:
        with pytest.raises(NoStanding, match=r"name one \(bot_id\): b1 \(Paula\), b2"):
            await hub.standing()
    async with link(server, bot_id="b2") as hub:
        assert (await hub.standing()).open_freshness_s == 60


async def test_without_a_bot_or_with_a_wrong_password_there_is_no_going_on(server):
    async with link(server) as hub:
        with pytest.raises(NoStanding, match="has no bot of source master"):
            await hub.standing()
    server.says["/token"] = [refusal(401, "wrong name or password")]
    async with link(server) as hub:
        with pytest.raises(SignInRefused, match="wrong name or password"):
            await hub.standing()


def test_waits_grow_to_half_a_minute_and_are_never_the_same():
    chance = random.Random(1)
    waits = [back_off(failures, chance) for failures in (1, 2, 3, 6, 50)]

    assert all(1 <= one <= 30 for one in waits)
    assert waits[-1] > 10
    assert len({back_off(9, chance) for _ in range(5)}) == 5


@pytest.fixture
def bot_answer():
    def make(**more):
        return {
            "id": "b1",
            "name": "Paula",
            "description": "",
            "market_type": "mt5",
            "source": "master",
            "default_leverage": 1,
            "default_margin_usd": "20",
            "default_stop_loss_pct": "0",
            "default_take_profit_pct": "0",
            "on_opposite": "close",
            "payload_size": "ignore",
            "open_freshness_s": 30,
            "signature_v0": False,
            "status": "active",
            "created_at": "2026-01-05T12:00:00Z",
            "updated_at": "2026-01-05T12:00:00Z",
            "master_webhook_path": "bot-paula",
            **more,
        }

    return make
