"""Health, readiness, the first admin's link, the API's own description, and users' own configuration."""

import asyncio
import sqlite3

import pytest

from copydesk.ports.clock import SystemClock
from web_support import BOTS, PASSWORD, USERS, assert_error, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINK = "/setup/the-one-time-link"
FIRST = {"username": "root.of.all", "password": PASSWORD, "role": "admin"}


async def lose_tables(desk):
    """What a wrong restore does: the file is there, the tables are not."""
    await SystemClock().sleep(0.1)  # the desk has read what an earlier run left
    await asyncio.to_thread(_drop_tables, desk.folder)


def _drop_tables(folder):
    with sqlite3.connect(folder / "copydesk.db", timeout=20) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for name in names:
            if not name.startswith("sqlite_"):
                connection.execute(f'DROP TABLE "{name}"')
    connection.close()


async def test_health_counts_what_is_active(start_hub):
    async with start_hub() as desk:
        provider, follower = await desk.person("provider"), await desk.person()
        bot, secret = await desk.bot(provider)
        await desk.bot(provider, status="paused")
        account = await desk.paper_account(follower)
        made = await desk.subscription(follower, bot, account)
        before = (await desk.nobody.get(f"{BOTS}/health")).json()
        await desk.alert(bot, secret)
        await follower.patch(f"/api/v1/bot-subscriptions/{made['id']}", json={"status": "paused"})

        after = (await follower.get(f"{BOTS}/health")).json()

        assert set(before) >= {"success", "healthy", "active_bots", "active_subscriptions", "last_signal_at"}
        assert (before["success"], before["healthy"]) == (True, True)
        assert (before["active_bots"], before["active_subscriptions"]) == (1, 1)
        assert before["last_signal_at"] is None
        assert after["active_subscriptions"] == 0
        assert after["last_signal_at"].endswith("Z")


async def test_the_process_is_alive_and_ready_without_a_sign_in(desk):
    assert (await desk.nobody.get("/health")).json() == {"status": "ok"}

    async def ready():
        return (await desk.nobody.get("/ready")).status_code == 200

    await eventually(ready)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_without_a_database_the_desk_says_so_and_stays_up(start_hub):
    async with start_hub() as desk:
        admin = await desk.person("admin")
        await lose_tables(desk)

        health = await desk.nobody.get(f"{BOTS}/health")
        ready = await desk.nobody.get("/ready")
        read = await admin.get(BOTS)
        async with asyncio.timeout(10):
            written = await desk.nobody.post("/token/refresh", json={"refresh_token": "x"})
            sign_in = await desk.nobody.post("/token", data={"username": "ada", "password": PASSWORD})
            alert = await desk.nobody.post(f"{BOTS}/webhook/master/any", json={"secret": "x"})

        assert health.status_code == 503
        assert set(health.json()) == {"success", "healthy", "error"}
        assert (health.json()["success"], health.json()["healthy"]) == (False, False)
        assert len(health.json()["error"]) < 80
        assert ready.status_code == 503
        assert (await desk.nobody.get("/health")).status_code == 200
        for answer in (read, written, sign_in, alert):
            assert_error(answer, 503, "store_unavailable")
            assert "table" not in answer.text


async def test_a_not_ready_desk_answers_in_the_shape_of_errors(start_hub):
    async with start_hub() as desk:
        await lose_tables(desk)

        assert_error(await desk.nobody.get("/ready"), 503)


async def test_the_setup_link_makes_one_admin_once(start_hub):
    async with start_hub(setup_token="the-one-time-link") as desk:
        page = await desk.nobody.get(LINK)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")

        made = await desk.nobody.post(LINK, json=FIRST)
        again = await desk.nobody.post(LINK, json={**FIRST, "username": "another"})

        assert made.status_code == 201
        assert made.json()["role"] == "admin"
        assert_error(again, 404)
        assert_error(await desk.nobody.get(LINK), 404)
        token = await desk.nobody.post("/token", json={"username": "root.of.all", "password": PASSWORD})
        assert token.json()["role"] == "admin"


async def test_two_who_use_the_setup_link_at_once_do_not_both_become_admin(start_hub):
    async with start_hub(setup_token="the-one-time-link") as desk:
        wishes = [{**FIRST, "username": f"admin-{number}"} for number in range(5)]

        answers = await asyncio.gather(*[desk.nobody.post(LINK, json=wish) for wish in wishes])

        assert sorted(one.status_code for one in answers) == [201, 404, 404, 404, 404]


@pytest.mark.parametrize(
    "path", ["/setup/wrong", "/setup/", "/setup/%00", "/setup/%F0%9F%92%A9", f"{LINK}x", "/setup/the"]
)
async def test_a_wrong_setup_link_is_a_404(start_hub, path):
    async with start_hub(setup_token="the-one-time-link") as desk:
        assert_error(await desk.nobody.get(path), 404)
        assert_error(await desk.nobody.post(path, json=FIRST), 404)


async def test_a_desk_that_has_an_admin_has_no_setup_link(start_hub):
    async with start_hub(setup_token="the-one-time-link") as desk:
        await desk.person("admin")

        assert_error(await desk.nobody.get(LINK), 404)
        assert_error(await desk.nobody.post(LINK, json=FIRST), 404)


async def test_a_setup_link_that_was_used_stays_dead_when_the_admin_is_gone(start_hub):
    async with start_hub(setup_token="the-one-time-link") as desk:
        made = (await desk.nobody.post(LINK, json=FIRST)).json()
        token = (await desk.nobody.post("/token", json={**FIRST} | {"role": "x"})).json()["access_token"]
        signed = {"Authorization": f"Bearer {token}"}
        await desk.nobody.patch(f"{USERS}/{made['id']}", json={"role": "follower"}, headers=signed)

        answer = await desk.nobody.post(LINK, json={**FIRST, "username": "usurper"})

        assert_error(answer, 404)


async def test_one_s_own_configuration_starts_with_the_contract_s_defaults(desk):
    person = await desk.person()

    config = (await person.get("/users/me/config")).json()

    assert config["trade_copy"] == {
        "mode": "fix",
        "fixed_lot": "0.01",
        "multiplier": "1",
        "max_slippage_points": 50,
        "max_spread_points": None,
        "max_orders_per_symbol": 2,
        "max_exposure_trades": 5,
        "max_exposure_lots": "10",
    }


async def test_null_in_the_configuration_is_no_limit_and_is_kept(desk):
    person, other = await desk.person(), await desk.person()
    wish = {"mode": "multiplier", "multiplier": "0.5", "max_orders_per_symbol": None, "max_exposure_lots": None}

    answer = await person.post("/users/config", json={"trade_copy": wish})

    kept = (await person.get("/users/me/config")).json()["trade_copy"]
    assert answer.status_code == 200
    assert kept["max_orders_per_symbol"] is None
    assert kept["max_exposure_lots"] is None
    assert (kept["mode"], kept["multiplier"]) == ("multiplier", "0.5")
    assert (await other.get("/users/me/config")).json()["trade_copy"]["mode"] == "fix"


async def test_the_profile_has_the_contract_s_fields_and_no_more_than_that(desk):
    person = await desk.person("provider")

    profile = (await person.get("/users/me")).json()

    assert set(profile) == {"id", "username", "role", "allowed_mt5_id", "mt5_path", "subscription"}
    assert profile["role"] == "provider"


async def test_an_admin_makes_finds_and_changes_a_user(desk):
    admin = await desk.person("admin")
    wish = {"username": "Emmy.Noether", "password": PASSWORD, "role": "follower", "allowed_mt5_id": 12345}

    made = await admin.post(USERS, json=wish)
    taken = await admin.post(USERS, json={**wish, "username": "EMMY.noether"})
    changed = await admin.patch(f"{USERS}/{made.json()['id']}", json={"allowed_mt5_id": None, "subscription": "gold"})

    assert made.status_code == 201
    assert PASSWORD not in made.text
    assert_error(taken, 409, "conflict")
    assert changed.json()["allowed_mt5_id"] is None
    assert changed.json()["subscription"] == "gold"
    assert (await admin.get(f"{USERS}/{made.json()['id']}")).json() == changed.json()


async def test_a_part_of_the_configuration_that_is_not_told_stays_as_it_was(desk):
    """A follower who only changes the mode must not lose a limit set before."""
    person = await desk.person()
    await person.post("/users/config", json={"trade_copy": {"max_exposure_lots": "1", "max_spread_points": 30}})

    answer = await person.post("/users/config", json={"trade_copy": {"mode": "multiplier"}})

    kept = answer.json()["trade_copy"]
    assert (kept["mode"], kept["max_exposure_lots"], kept["max_spread_points"]) == ("multiplier", "1", 30)
    assert (await person.get("/users/me/config")).json() == answer.json()


async def test_a_user_can_be_renamed_to_a_name_that_is_free(desk):
    admin, ada, grace = await desk.person("admin"), await desk.person(), await desk.person()

    renamed = await admin.patch(f"{USERS}/{ada.user.id}", json={"username": "Ada.King"})
    taken = await admin.patch(f"{USERS}/{grace.user.id}", json={"username": "ADA.king"})

    assert renamed.json()["username"] == "ada.king"
    assert_error(taken, 409, "conflict")


async def is_ready(desk):
    return (await desk.nobody.get("/ready")).status_code == 200


async def test_a_desk_that_does_not_run_yet_is_neither_ready_nor_healthy(start_hub):
    async with start_hub() as desk:
        await eventually(lambda: is_ready(desk))
        desk.hub.desk._tasks, running = None, desk.hub.desk._tasks

        ready, health = await desk.nobody.get("/ready"), await desk.nobody.get(f"{BOTS}/health")

        desk.hub.desk._tasks = running
        assert_error(ready, 503, "desk_not_running")
        assert health.status_code == 503
        assert health.json() == {
            "success": False,
            "healthy": False,
            "error": "the desk does not run here (yet), or another hub does its work",
        }
