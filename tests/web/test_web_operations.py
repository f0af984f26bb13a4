"""What an admin looks after, over HTTP: the audit log's chain, backups, the newest log lines."""

import asyncio

import pytest
from sqlalchemy import text

from copydesk.stores.backup import verify
from copydesk.web.recent import LINES_MAX, RecentLines
from web_support import assert_error

AUDIT, BACKUPS, LOGS = "/api/v1/audit", "/api/v1/backups", "/api/v1/logs"


@pytest.fixture
async def desk(start_hub):
    async with start_hub() as running:
        yield running


async def test_an_audit_log_that_nobody_touched_is_whole(desk):
    admin = await desk.person("admin")
    await desk.bot(admin)

    found = (await admin.get(f"{AUDIT}/verification")).json()

    assert (found["whole"], found["first_broken"], found["lines"]) == (True, None, 1)


async def test_a_line_that_was_changed_afterwards_is_named(desk):
    admin = await desk.person("admin")
    for _ in range(3):
        await desk.bot(admin)
    tampered = text("UPDATE audit_log SET actor = 'mallory' WHERE number = 2")
    await desk.hub.store.write(lambda tables: tables.unit.connection.execute(tampered))

    found = (await admin.get(f"{AUDIT}/verification")).json()

    assert (found["whole"], found["first_broken"]) == (False, 2)


async def test_a_backup_is_made_beside_the_desk_and_listed_and_audited(desk):
    admin = await desk.person("admin")

    made = await admin.post(BACKUPS)

    assert made.status_code == 201, made.text
    listed = (await admin.get(BACKUPS)).json()
    assert listed["items"] == [made.json()]
    manifest = verify(desk.folder / "backups" / made.json()["name"])
    assert manifest.rows == made.json()["rows"]
    [line] = await admin.items(AUDIT, action="database.backup")
    assert line["subject"] == made.json()["name"]


async def test_two_backups_at_once_are_one(desk):
    admin = await desk.person("admin")

    answers = await asyncio.gather(admin.post(BACKUPS), admin.post(BACKUPS))

    assert sorted(one.status_code for one in answers) == [201, 409]


async def test_a_stray_file_among_the_backups_does_not_hide_them(desk):
    admin = await desk.person("admin")
    await admin.post(BACKUPS)
    (desk.folder / "backups" / "letter.backup").write_text("Dear Ada")

    listed = (await admin.get(BACKUPS)).json()

    assert len(listed["items"]) == 1


async def test_the_newest_lines_of_the_log_are_shown_newest_first_and_by_level(desk):
    admin = await desk.person("admin")
    for number, level in enumerate(["info", "warning", "info"]):
        desk.hub.lines(None, "", told(level, f"event {number}", account_id="a1", error=ValueError("no")))

    first = (await admin.get(LOGS, params={"limit": 2})).json()
    rest = (await admin.get(LOGS, params={"limit": 2, "cursor": first["next"]})).json()
    warnings = await admin.items(LOGS, level="warning")

    assert [one["event"] for one in first["items"]] == ["event 2", "event 1"]
    assert [one["event"] for one in rest["items"]] == ["event 0"]
    assert rest["next"] is None
    assert [one["event"] for one in warnings] == ["event 1"]
    assert warnings[0]["fields"] == {"account_id": "a1", "error": "no"}


async def test_a_level_that_there_is_not_is_refused(desk):
    admin = await desk.person("admin")

    assert_error(await admin.get(LOGS, params={"level": "loud"}), 422)


def test_only_so_many_lines_are_kept_in_memory():
    lines = RecentLines()

    for number in range(LINES_MAX + 10):
        lines(None, "", told("info", str(number)))

    kept = lines.newest(limit=LINES_MAX * 2)
    assert len(kept) == LINES_MAX
    assert kept[-1].event == "10"


def told(level, event, **fields):
    return {"timestamp": "2026-11-21T09:30:00.120000Z", "level": level, "event": event, **fields}
