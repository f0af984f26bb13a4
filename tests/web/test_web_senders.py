"""Whose alerts are listened to: addresses and certificates, and whose word about them counts."""

import contextlib
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from copydesk.domain.errors import InvalidInput
from copydesk.settings import read_settings
from copydesk.web.limits import Buckets
from store_support import NOW
from web_support import PASSWORD, WEBHOOK, assert_error, no_limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROXY, ELSEWHERE = "10.0.0.9", "203.0.113.7"
TRADINGVIEW = ["52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"]
FORWARDED, HEADER = "X-Forwarded-For", "X-Client-Certificate"
SUBJECT = r"CN=TradingView Webhooks,O=TradingView\, Inc.,L=Westerville,ST=Ohio,C=US"


@pytest.fixture
def start(start_hub, simulator):
    """A hub with these settings, and what sends an alert to it with the right secret."""

    @contextlib.asynccontextmanager
    async def started(**settings):
        async with start_hub(simulator_url=simulator.url, **settings) as desk:
            bot, secret = await desk.bot(await desk.person("provider"))

            async def send(address, headers=None, *, path=bot["master_webhook_path"], **words):
                alert = {"secret": secret, "ticker": "BTCUSDT", "action": "buy", **words}
                return await desk.nobody.post(f"{WEBHOOK}/{path}", json=alert, address=address, headers=headers)

            yield desk, send

    return started


async def test_without_settings_everybody_who_knows_the_secret_may_speak(start):
    async with start() as (_, send):
        assert (await send(ELSEWHERE)).status_code == 200
        assert (await send(ELSEWHERE, {FORWARDED: "not an address", HEADER: "FAILED"}, id="2")).status_code == 200


async def test_only_tradingview_s_own_addresses_may_speak_where_that_is_set(start):
    async with start(webhook_sources="tradingview") as (_, send):
        for address in [*TRADINGVIEW, f"::ffff:{TRADINGVIEW[0]}"]:
            assert (await send(address)).status_code == 200, address
        for address in [ELSEWHERE, PROXY, "127.0.0.1", "::1", "52.89.214.239"]:
            assert_error(await send(address), 401)


async def test_addresses_and_networks_may_be_named_beside_tradingview(start):
    async with start(webhook_sources="tradingview, 198.51.100.0/24,2001:db8::7") as (_, send):
        for address in [TRADINGVIEW[3], "198.51.100.200", "2001:db8::7"]:
            assert (await send(address)).status_code == 200, address
        assert_error(await send("2001:db8::8"), 401)


async def test_a_refused_sender_learns_nothing_and_the_log_tells_why(start):
    async with start(webhook_sources="tradingview") as (_, send):
        with capture_logs() as logged:
            answers = [
                await send(ELSEWHERE),
                await send(ELSEWHERE, path="no-such-path"),
                await send(TRADINGVIEW[0], path="no-such-path"),
                await send(TRADINGVIEW[0], secret="wrong"),
            ]

    assert {(one.status_code, one.text) for one in answers} == {(401, answers[0].text)}
    told = [(one["address"], one["reason"]) for one in logged if one["event"] == "webhook refused"]
    assert told == [(ELSEWHERE, f"{ELSEWHERE} is not among webhook_sources")] * 2


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(start):
    async with start(webhook_sources="tradingview", trusted_proxies=f"{PROXY}, 10.1.0.0/16") as (_, send):
        believed = [
            (PROXY, TRADINGVIEW[0]),
            (PROXY, f"{TRADINGVIEW[0]}, 10.1.2.3"),
            (PROXY, f"{ELSEWHERE}, {TRADINGVIEW[0]}"),
            (PROXY, f"{TRADINGVIEW[0]}:4711"),
        ]
        for address, told in believed:
            assert (await send(address, {FORWARDED: told})).status_code == 200, told
        disbelieved = [
            (ELSEWHERE, TRADINGVIEW[0]),
            (PROXY, f"{TRADINGVIEW[0]}, {ELSEWHERE}"),
            (PROXY, f"{TRADINGVIEW[0]}, nonsense"),
            (PROXY, ""),
            (PROXY, f"{TRADINGVIEW[0]},"),
        ]
        for address, told in disbelieved:
            assert_error(await send(address, {FORWARDED: told}), 401)
        assert_error(await send(PROXY), 401)


CERTIFIED = {
    "nginx": f"SUCCESS {SUBJECT}",
    "another order": r"SUCCESS C=US,ST=Ohio,L=Westerville,O=TradingView\, Inc.,CN=TradingView Webhooks",
    "with an address": f"SUCCESS emailAddress=webhook-server@tradingview.com,{SUBJECT}",
}
UNCERTIFIED = {
    "not verified": f"FAILED:unable to get local issuer certificate {SUBJECT}",
    "no certificate": "NONE ",
    "nothing": "",
    "no subject": "SUCCESS ",
    "no verdict": SUBJECT,
    "somebody else's": "SUCCESS CN=Trading View Webhooks,O=Mallory",
    "the name within another field": r"SUCCESS CN=mallory,O=x\,CN=TradingView Webhooks",
    "two names": "SUCCESS CN=TradingView Webhooks,CN=mallory",
    "a longer name": "SUCCESS CN=TradingView Webhooks evil",
    "no such thing": "SUCCESS /C=US/CN=TradingView Webhooks",
}


async def test_a_certificate_counts_only_if_a_trusted_proxy_verified_it(start):
    async with start(trusted_proxies=PROXY, webhook_client_certificate=HEADER) as (_, send):
        for case, told in CERTIFIED.items():
            assert (await send(PROXY, {HEADER: told}, id=case)).status_code == 200, case
        for case, told in UNCERTIFIED.items():
            assert (await send(PROXY, {HEADER: told})).status_code == 401, case
        assert_error(await send(PROXY), 401)
        assert_error(await send(ELSEWHERE, {HEADER: CERTIFIED["nginx"]}), 401)
        assert_error(await send(ELSEWHERE, {HEADER: CERTIFIED["nginx"], FORWARDED: PROXY}), 401)


async def test_a_certificate_header_that_comes_twice_counts_for_nothing(start):
    async with start(trusted_proxies=PROXY, webhook_client_certificate=HEADER) as (_, send):
        twice = [(HEADER, CERTIFIED["nginx"]), (HEADER, CERTIFIED["nginx"])]

        assert_error(await send(PROXY, twice), 401)


async def test_where_both_are_set_both_are_needed(start):
    settings = {"trusted_proxies": PROXY, "webhook_client_certificate": HEADER, "webhook_sources": "tradingview"}
    async with start(**settings) as (_, send):
        certified, forwarded = {HEADER: CERTIFIED["nginx"]}, {FORWARDED: TRADINGVIEW[1]}

        assert (await send(PROXY, certified | forwarded)).status_code == 200
        assert_error(await send(PROXY, certified), 401)
        assert_error(await send(PROXY, forwarded), 401)


async def test_wrong_secrets_are_counted_by_the_address_that_the_proxy_saw(start):
    limits = no_limits()
    limits.strangers = Buckets(rate=0.001, burst=2)
    async with start(trusted_proxies=PROXY, limits=limits) as (_, send):
        mallory, visitor = {FORWARDED: "198.51.100.1"}, {FORWARDED: "198.51.100.2"}

        told = [(await send(PROXY, mallory, secret="wrong")).status_code for _ in range(3)]

        assert told == [401, 401, 429]
        assert (await send(PROXY, visitor, secret="wrong")).status_code == 401
        assert (await send(PROXY, mallory)).status_code == 200


async def test_a_stranger_cannot_spread_wrong_secrets_over_made_up_addresses(start):
    limits = no_limits()
    limits.strangers = Buckets(rate=0.001, burst=2)
    async with start(trusted_proxies=PROXY, limits=limits) as (_, send):
        told = [
            (await send(ELSEWHERE, {FORWARDED: f"198.51.100.{number}"}, secret="wrong")).status_code
            for number in range(3)
        ]

        assert told == [401, 401, 429]


async def test_failed_sign_ins_are_counted_by_the_address_that_the_proxy_saw(start):
    async with start(trusted_proxies=PROXY) as (desk, _):
        user = await desk.person()
        for number in range(50):
            form = {"username": f"guess-{number}", "password": "wrong"}
            await desk.nobody.post("/token", data=form, address=PROXY, headers={FORWARDED: "198.51.100.1"})
        right = {"username": user.user.username, "password": PASSWORD}

        same = await desk.nobody.post("/token", data=right, address=PROXY, headers={FORWARDED: "198.51.100.1"})
        other = await desk.nobody.post("/token", data=right, address=PROXY, headers={FORWARDED: "198.51.100.2"})

        assert (same.status_code, other.status_code) == (429, 200)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"trusted_proxies": "10.0.0.0/33"}, "TRUSTED_PROXIES"),
        ({"trusted_proxies": "tradingview"}, "TRUSTED_PROXIES"),
        ({"webhook_sources": "everybody"}, "WEBHOOK_SOURCES"),
        ({"webhook_sources": [7]}, "WEBHOOK_SOURCES"),
        ({"webhook_client_certificate": "X-A: b", "trusted_proxies": PROXY}, "WEBHOOK_CLIENT_CERTIFICATE"),
        ({"webhook_client_certificate": HEADER}, "WEBHOOK_CLIENT_CERTIFICATE"),
    ],
)
async def test_a_setting_that_cannot_be_meant_stops_the_start_and_names_it(settings, name):
    with pytest.raises(InvalidInput, match=f"COPYDESK_{name}"):
        read_settings(_env_file=None, **settings)


async def test_addresses_in_the_environment_are_parted_by_commas(monkeypatch):
    monkeypatch.setenv("COPYDESK_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,")
    monkeypatch.setenv("COPYDESK_WEBHOOK_SOURCES", "tradingview")

    settings = read_settings(_env_file=None)

    assert settings.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8")
    assert settings.webhook_sources == ("tradingview",)


async def test_requests_that_get_to_the_bucket_in_another_order_than_they_came_in_cost_no_more():
    buckets = Buckets(rate=100.0, burst=3)

    for milliseconds in (30, 0, 20):
        buckets.take("a bot", NOW + timedelta(milliseconds=milliseconds))
