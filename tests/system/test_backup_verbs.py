"""`copydesk backup` and `copydesk restore` as somebody types them."""

import subprocess
import sys

import pytest


@pytest.fixture
def copydesk(tmp_path):
    """Run a verb on the desk in a folder of its own; (exit code, stdout, stderr)."""

    def run(desk, *words):
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "COPYDESK_DATA_DIR": str(tmp_path / desk),
            "COPYDESK_MASTER_KEY_FILE": str(tmp_path / "master.key"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "copydesk", *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=tmp_path,
        )
        return done.returncode, done.stdout.strip(), done.stderr

    return run


def make_admin(copydesk, desk):
    wish = ("--username", "ada", "--password", "correct horse battery", "--role", "admin")
    return copydesk(desk, "admin", "create-user", *wish)


def test_a_desk_moves_to_another_machine_in_one_file(copydesk):
    assert make_admin(copydesk, "first")[0] == 0

    code, file, said = copydesk("first", "backup")
    checked = copydesk("second", "restore", file, "--check")
    restored = copydesk("second", "restore", file)

    assert code == 0, said
    assert "The master key is not in it" in said
    assert "is whole" in checked[2]
    assert restored[0] == 0, restored[2]
    assert "nothing is opened until an admin" in restored[2]
    assert "taken" in make_admin(copydesk, "second")[2]
    assert copydesk("second", "admin", "audit", "verify")[0] == 0


def test_a_desk_that_has_something_is_not_overwritten_by_a_slip(copydesk):
    make_admin(copydesk, "first")
    make_admin(copydesk, "second")
    _, file, _ = copydesk("first", "backup")

    refused = copydesk("second", "restore", file)
    told = copydesk("second", "restore", file, "--replace")

    assert refused[0] == 1
    assert "not empty" in refused[2]
    assert told[0] == 0, told[2]
    assert "What was there before is kept" in told[2]


def test_what_is_no_backup_is_one_line_and_exit_code_one(copydesk, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Ada")

    code, _, said = copydesk("first", "restore", str(tmp_path / "letter.txt"))
    nothing = copydesk("first", "backup")

    assert code == 1
    assert "Traceback" not in said
    assert "letter.txt" in said
    assert nothing[0] == 1
    assert "there is no database" in nothing[2]
