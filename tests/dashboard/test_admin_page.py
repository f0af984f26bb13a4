"""Admin and notifications: users, the chain of the audit log, backups, the log, and a test of what one is told."""

import httpx
import pytest
from dashboard_hub import listed
from nicegui import ui
from people_hub import AT, PeopleHub, refusal

USER = {
    "id": "user-1",
    "username": "grace",
    "role": "provider",
    "status": "active",
    "allowed_mt5_id": None,
    "mt5_path": None,
    "subscription": "free",
    "created_at": AT,
    "updated_at": AT,
}
BACKUP = {"name": "copydesk-20261121T031500Z.backup", "made_at": AT, "bytes": 1_048_576, "rows": 120}
NOTIFICATIONS = {
    "addresses": [{"scheme": "tgram", "hint": "…/4711"}],
    "kinds": ["order_failed"],
    "quiet_hours": {"start": "22:00:00", "end": "07:00:00", "time_zone": "Europe/Lisbon"},
}
ME = "/users/me/notifications"


@pytest.fixture
def hub():
    hub = PeopleHub("admin")
    hub.answers |= {
        ("GET", "/api/v1/users"): listed([USER]),
        ("GET", "/api/v1/users/user-1"): USER,
        ("PATCH", "/api/v1/users/user-1"): USER,
        ("GET", "/api/v1/audit"): listed([]),
        ("GET", "/api/v1/backups"): {"folder": "/data/backups", "items": []},
        ("GET", "/api/v1/logs"): listed([]),
        ("GET", ME): NOTIFICATIONS,
        ("PUT", ME): NOTIFICATIONS,
    }
    return hub


async def test_an_admin_sees_health_and_where_backups_are_kept(user, sign_in):
    await sign_in("/admin")

    await user.should_see("In /data/backups on the hub's machine.", retries=20)
    await user.should_see("agree")
    await user.should_see("Each line holds the hash of the one before it.")


async def test_a_follower_has_no_admin_page(user, sign_in, hub):
    hub.answers["GET", "/users/me"] = hub.answers["GET", "/users/me"] | {"role": "follower"}

    await sign_in("/admin")

    await user.should_see("This page is not for your role.", retries=20)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"whole": True, "lines": 7, "first_broken": None}, "Whole: all 7 lines fit."),
        ({"whole": False, "lines": 7, "first_broken": 3}, "Broken at line 3"),
    ],
)
async def test_the_chain_is_verified_at_a_press_and_says_where_it_breaks(user, sign_in, hub, found, words):
    hub.answers["GET", "/api/v1/audit/verification"] = found | {"verified_at": AT}
    await sign_in("/admin")
    await user.should_see("Verify the chain", retries=20)

    user.find("Verify the chain").click()

    await user.should_see(words, retries=20)


async def test_a_backup_is_made_at_a_press_and_a_refusal_is_shown(user, sign_in, hub):
    hub.answers["POST", "/api/v1/backups"] = BACKUP
    await sign_in("/admin")
    await user.should_see("Make a backup", retries=20)

    user.find("Make a backup").click()
    await user.should_see("The backup is made and verified.", retries=20)

    hub.answers["POST", "/api/v1/backups"] = refusal(409)
    user.find("Make a backup").click()
    await user.should_see("The hub did not do it: no.", retries=20)


async def test_a_user_is_made_and_a_short_password_stays_in_the_form(user, sign_in, hub):
    hub.answers["POST", "/api/v1/users"] = httpx.Response(201, json=USER)
    await sign_in("/admin/users/new")
    await user.should_see("New user", retries=20)
    user.find("Username").type("grace")
    user.find("Password (10 characters or more)").type("short")

    user.find("Save").click()
    await user.should_see("password: String should have at least 10 characters", retries=20)
    assert hub.told == []

    user.find("Password (10 characters or more)").clear().type("correct horse battery")
    user.find("Save").click()
    await user.should_see("The user is made.", retries=20)
    assert hub.told[-1][2]["role"] == "follower"


async def test_a_known_user_is_changed_and_an_empty_password_stays_as_it_is(user, sign_in, hub):
    await sign_in("/admin/users/user-1")
    await user.should_see("grace", retries=20)
    with user:
        [status] = [one for one in user.find(ui.select).elements if one.props.get("label") == "Status"]
        status.set_value("disabled")

    user.find("Save").click()

    await user.should_see("The user is saved.", retries=20)
    method, path, body = hub.told[-1]
    assert (method, path, body["status"]) == ("PATCH", "/api/v1/users/user-1", "disabled")
    assert "password" not in body


async def test_what_one_is_told_of_is_saved_and_addresses_stay_unless_new_ones_are_typed(user, sign_in, hub):
    await sign_in("/notifications")
    await user.should_see("tgram: …/4711", retries=20)
    user.find("An order was filled").click()

    user.find("Save").click()

    await user.should_see("Saved.", retries=20)
    body = hub.told[-1][2]
    assert body["addresses"] is None
    assert set(body["kinds"]) == {"order_failed", "order_filled"}
    assert body["quiet_hours"]["time_zone"] == "Europe/Lisbon"


async def test_a_test_message_says_what_became_of_it_at_each_address(user, sign_in, hub):
    result = {"scheme": "tgram", "hint": "…/4711", "sent": False, "problem": "the chat does not exist"}
    hub.answers["POST", f"{ME}/test"] = {"success": False, "results": [result]}
    await sign_in("/notifications")
    await user.should_see("Send a test", retries=20)

    user.find("Send a test").click()

    await user.should_see("the chat does not exist", retries=20)
