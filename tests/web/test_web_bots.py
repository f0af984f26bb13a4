"""Bots over HTTP: secrets shown once and never again, rotation, paths, and who sees what."""

import pytest

from web_support import BOTS, WEBHOOK, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN_SECRET = "kestrel-harbor-copper-77"


async def test_a_new_bot_has_the_contract_s_fields_and_its_secret_once(desk):
    provider = await desk.person("provider")

    answer = await provider.post(BOTS, json={"name": "Ichimoku BTC", "default_margin_usd": 20, "default_leverage": 5})

    assert answer.status_code == 201
    bot = answer.json()
    assert bot["name"] == "Ichimoku BTC"
    assert bot["default_margin_usd"] == "20"
    assert bot["default_leverage"] == 5
    assert bot["market_type"] == "futures"
    assert bot["source"] == "tradingview"
    assert bot["on_opposite"] == "close"
    assert bot["status"] == "active"
    assert bot["signature_v0"] is False
    assert bot["created_at"].endswith("Z")
    assert bot["webhook_url"] == f"https://desk.example{WEBHOOK}/{bot['master_webhook_path']}"
    assert len(bot["master_secret"]) >= 43, "32 bytes at least"
    for shown in ((await provider.get(f"{BOTS}/{bot['id']}")), (await provider.get(BOTS))):
        assert bot["master_secret"] not in shown.text


async def test_two_bots_made_by_the_server_share_neither_path_nor_secret(desk):
    provider = await desk.person("provider")

    (one, first), (two, second) = await desk.bot(provider), await desk.bot(provider)

    assert first != second
    assert one["master_webhook_path"] != two["master_webhook_path"]


@pytest.mark.parametrize(
    "secret",
    [
        "demo-secret-change-in-production",
        "DEMO-SECRET-CHANGE-IN-PRODUCTION",
        "change-me-change-me-change-me",
        "please_changeme_1234",
        "your-secret-here-123",
        "your_secret_goes_in_here",
        "example-example-example",
        "a-placeholder-for-the-secret" * 5,
    ],
)
async def test_a_placeholder_is_no_secret_whatever_its_length(desk, secret):
    provider = await desk.person("provider")
    bot, _ = await desk.bot(provider)

    made = await provider.post(BOTS, json={"name": "x", "master_secret": secret})
    rotated = await provider.post(f"{BOTS}/{bot['id']}/rotate-secret", json={"master_secret": secret})

    assert_error(made, 422)
    assert_error(rotated, 422)
    assert secret not in made.text
    assert len(await provider.items(BOTS, name="x")) == 0


@pytest.mark.parametrize("length", [1, 15])
async def test_a_secret_of_less_than_sixteen_characters_is_refused_and_not_repeated(desk, length):
    provider = await desk.person("provider")
    secret = "Qz8vJ2mXw7Lk4Rt"[:length]

    answer = await provider.post(BOTS, json={"name": "x", "master_secret": secret})

    assert_error(answer, 422)
    assert length < 15 or secret not in answer.text


async def test_a_secret_of_one_s_own_works_from_sixteen_characters_on(desk):
    provider = await desk.person("provider")

    bot, shown = await desk.bot(provider, master_secret="Qz8vJ2mXw7Lk4RtY")

    assert shown == "Qz8vJ2mXw7Lk4RtY"
    assert (await desk.alert(bot, "Qz8vJ2mXw7Lk4RtY")).status_code == 200


async def test_a_rotated_secret_works_beside_the_old_one_until_the_overlap_ends(start_hub, simulator):
    async with start_hub(simulator_url=simulator.url) as desk:
        provider = await desk.person("provider")
        bot, old = await desk.bot(provider)
        answer = await provider.post(f"{BOTS}/{bot['id']}/rotate-secret", json={"overlap_s": 600})
        new = answer.json()["master_secret"]
        assert answer.json()["old_valid_until"].endswith("Z")

        both = [(await desk.alert(bot, secret)).status_code for secret in (old, new)]
        desk.hub.clock.forward(seconds=601)
        later = [(await desk.alert(bot, secret)).status_code for secret in (old, new)]

        assert both == [200, 200]
        assert later == [401, 200]


async def test_a_rotation_without_overlap_ends_the_old_secret_at_once(desk):
    provider = await desk.person("provider")
    bot, old = await desk.bot(provider)

    answer = await provider.post(f"{BOTS}/{bot['id']}/rotate-secret", json={"overlap_s": 0})

    assert_error(await desk.alert(bot, old), 401)
    assert (await desk.alert(bot, answer.json()["master_secret"])).status_code == 200


async def test_a_second_rotation_leaves_no_more_than_two_secrets_valid(desk):
    provider = await desk.person("provider")
    bot, first = await desk.bot(provider)

    second = (await provider.post(f"{BOTS}/{bot['id']}/rotate-secret")).json()["master_secret"]
    third = (await provider.post(f"{BOTS}/{bot['id']}/rotate-secret")).json()["master_secret"]

    assert [(await desk.alert(bot, secret)).status_code for secret in (first, second, third)] == [401, 200, 200]


async def test_rotating_to_the_secret_that_is_valid_already_is_no_server_error(desk):
    provider = await desk.person("provider")
    bot, _ = await desk.bot(provider, master_secret=OWN_SECRET)

    answer = await provider.post(f"{BOTS}/{bot['id']}/rotate-secret", json={"master_secret": OWN_SECRET})

    assert answer.status_code in {200, 409, 422}, answer.text
    assert (await desk.alert(bot, OWN_SECRET)).status_code == 200


@pytest.mark.parametrize("body", [{"overlap_s": -1}, {"overlap_s": 10**9}, {"overlap_s": "x"}, {"unknown": 1}, [], "x"])
async def test_a_rotation_that_is_not_understood_changes_nothing(desk, body):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider)

    assert_error(await provider.post(f"{BOTS}/{bot['id']}/rotate-secret", json=body), 422)

    assert (await desk.alert(bot, secret)).status_code == 200


async def test_a_path_that_is_taken_is_a_conflict_for_new_and_for_changed_bots(desk):
    one, two = await desk.person("provider"), await desk.person("provider")
    await desk.bot(one, master_webhook_path="the-one-path")
    other, _ = await desk.bot(two)

    assert_error(await two.post(BOTS, json={"name": "x", "master_webhook_path": "the-one-path"}), 409, "conflict")
    changed = await two.patch(f"{BOTS}/{other['id']}", json={"master_webhook_path": "the-one-path"})
    assert_error(changed, 409)

    shown = (await two.get(f"{BOTS}/{other['id']}")).json()
    assert shown["master_webhook_path"] == other["master_webhook_path"]


async def test_a_change_counts_for_the_named_fields_alone(desk):
    provider = await desk.person("provider")
    bot, _ = await desk.bot(provider, default_stop_loss_pct="2.5")

    answer = await provider.patch(f"{BOTS}/{bot['id']}", json={"default_leverage": 20, "default_take_profit_pct": 0})

    changed = answer.json()
    assert answer.status_code == 200
    assert changed["default_leverage"] == 20
    assert changed["default_take_profit_pct"] == "0"
    assert changed["default_stop_loss_pct"] == "2.5"
    assert changed["name"] == bot["name"]


async def test_another_provider_s_bot_is_read_and_never_written(desk):
    owner, other = await desk.person("provider"), await desk.person("provider")
    bot, secret = await desk.bot(owner)

    seen = (await other.get(f"{BOTS}/{bot['id']}")).json()
    assert seen["name"] == bot["name"]
    assert not seen["webhook_url"]
    assert not seen["master_webhook_path"]
    for answer in (
        await other.patch(f"{BOTS}/{bot['id']}", json={"name": "mine now"}),
        await other.delete(f"{BOTS}/{bot['id']}"),
        await other.post(f"{BOTS}/{bot['id']}/rotate-secret"),
    ):
        assert_error(answer, 404)

    assert (await owner.get(f"{BOTS}/{bot['id']}")).json() == {**bot, "master_secret": None}
    assert (await desk.alert(bot, secret)).status_code == 200


@pytest.mark.parametrize("status", ["paused", "archived"])
async def test_a_bot_that_is_not_active_is_seen_by_owner_and_admin_alone(desk, status):
    owner, follower, admin = [await desk.person(role) for role in ("provider", "follower", "admin")]
    bot, _ = await desk.bot(owner, name=f"hidden {status}", status=status)

    assert_error(await follower.get(f"{BOTS}/{bot['id']}"), 404)
    assert await follower.items(BOTS, name=f"hidden {status}") == []
    assert await follower.items(BOTS, status=status, name=f"hidden {status}") == []
    assert (await owner.get(f"{BOTS}/{bot['id']}")).status_code == 200
    assert (await admin.get(f"{BOTS}/{bot['id']}")).status_code == 200


@pytest.mark.parametrize("status", ["paused", "archived"])
async def test_a_bot_that_is_not_active_takes_no_signals_and_says_so(desk, status):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider)
    await provider.patch(f"{BOTS}/{bot['id']}", json={"status": status})

    answer = await desk.alert(bot, secret)

    assert_error(answer, 409, "conflict")
    assert status in answer.text
    assert await provider.items("/api/v1/bot-signals", bot_id=bot["id"]) == []


async def test_deleting_a_bot_archives_it_and_keeps_its_history(desk):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider)
    signal = (await desk.alert(bot, secret)).json()["signal_id"]

    assert (await provider.delete(f"{BOTS}/{bot['id']}")).status_code == 204

    assert (await provider.get(f"{BOTS}/{bot['id']}")).json()["status"] == "archived"
    assert (await provider.get(f"/api/v1/bot-signals/{signal}")).status_code == 200


async def test_followers_see_a_bot_without_address_and_secret(desk):
    provider, follower = await desk.person("provider"), await desk.person()
    bot, secret = await desk.bot(provider)

    answer = await follower.get(f"{BOTS}/{bot['id']}")

    assert bot["master_webhook_path"] not in answer.text
    assert secret not in answer.text
    assert provider.user.username not in answer.text
