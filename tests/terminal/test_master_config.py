"""What a master is told, by whom, and which file it does not read."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from copydesk.domain.errors import InvalidInput
from copydesk.terminal.config import Options, combine, read_file, read_secret_file
from copydesk.terminal.lock import AlreadyRunning, only_one
from copydesk.terminal.server_time import ServerTime

OLD = {
    "api": {"url": "http://desk.example:8000/", "username": "paula", "password": "secret-word", "timeout": 5},
    "mt5": {"login": 999, "path": "C:\\somewhere"},
    "service": {"loop_interval": 1},
}


def written(path, document, mode=0o600):
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    path.chmod(mode)
    return path


def test_the_json_of_older_senders_is_read_and_its_terminal_is_ignored(tmp_path):
    read = read_file(written(tmp_path / "config_sender.json", OLD))

    assert (read.options.username, read.options.loop_interval) == ("paula", 1)
    assert read.options.password == SecretStr("secret-word")
    assert any("mt5.login, mt5.path is ignored" in one for one in read.warnings)
    assert any("api.timeout" in one for one in read.warnings)


def test_toml_is_read_too_and_an_unknown_name_in_it_stops_the_start(tmp_path):
    good = written(tmp_path / "master.toml", '[api]\nusername = "paula"\n[service]\nflash_trades = "copy"\n', 0o644)
    bad = written(tmp_path / "other.toml", '[api]\nuser = "paula"\n')

    assert read_file(good).options.flash_trades == "copy"
    with pytest.raises(InvalidInput, match=r"api\.user: no such setting"):
        read_file(bad)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bits")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_with_a_password_that_others_may_read_is_refused(tmp_path, mode):
    path = written(tmp_path / "config_sender.json", OLD, mode)

    with pytest.raises(InvalidInput, match="chmod 600"):
        read_file(path)
    with pytest.raises(InvalidInput, match="chmod 600"):
        read_secret_file(path)


@pytest.mark.parametrize("text", ["{", "[1]", '{"api": 3}', '{"service": {"loop_interval": -1}}'])
def test_a_file_that_cannot_be_used_is_named_with_its_problem(tmp_path, text):
    with pytest.raises(InvalidInput, match=r"config\.json"):
        read_file(written(tmp_path / "config.json", text))


def test_flags_win_over_the_environment_and_the_environment_over_the_file():
    flags, environment = Options(username="flag"), Options(username="environment", bot_id="b")
    file = Options(username="file", signing_secret=SecretStr("whsec_x"), loop_interval=0.001)

    config = combine(flags, environment, file, default_url="http://127.0.0.1:8000/")

    assert (config.username, config.bot_id, config.signing_secret) == ("flag", "b", "whsec_x")
    assert (config.url, config.every_s) == ("http://127.0.0.1:8000", 0.02)


def test_what_is_missing_is_named_with_where_it_may_be_told():
    with pytest.raises(InvalidInput, match="COPYDESK_MASTER__USERNAME"):
        combine(Options(), default_url="http://x")
    with pytest.raises(InvalidInput, match="rotate-secret"):
        combine(Options(username="paula"), default_url="http://x")

    assert combine(Options(username="paula", signature_v0=True), default_url="http://x").signs_v0


def test_a_second_master_of_the_same_account_is_told_who_holds_it(tmp_path):
    with only_one(tmp_path, "master", 1001):
        with only_one(tmp_path, "master", 1002), only_one(tmp_path, "copier", 1001):
            pass
        with (
            pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\)"),
            only_one(tmp_path, "master", 1001),
        ):
            pass

    with only_one(tmp_path, "master", 1001):
        pass


def test_a_killed_master_leaves_no_lock(tmp_path):
    code = (
        "import os, signal, sys, pathlib\n"
        "from copydesk.terminal.lock import only_one\n"
        "with only_one(pathlib.Path(sys.argv[1]), 'master', 1001):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=30)
    assert (tmp_path / "master-1001.pid").exists()

    with only_one(tmp_path, "master", 1001):
        pass


def test_the_servers_clock_is_read_off_ticks_that_move():
    now, two_hours = datetime(2026, 1, 5, 12, tzinfo=UTC), 7_200_000
    server, msc = ServerTime(), int(datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp() * 1_000)

    assert not server.take("EURUSD", msc + two_hours, now)
    assert server.utc(msc) is None
    assert server.take("EURUSD", msc + two_hours + 900, now + timedelta(seconds=1))
    assert server.offset_msc == two_hours
    assert server.utc(msc + two_hours) == now


def test_a_tick_that_stands_still_or_came_long_after_says_nothing():
    now, server = datetime(2026, 1, 5, 12, tzinfo=UTC), ServerTime()

    server.take("EURUSD", 5_000, now)
    assert not server.take("EURUSD", 5_000, now + timedelta(seconds=1))
    assert not server.take("EURUSD", 9_000, now + timedelta(seconds=60))
    assert not server.take("XAUUSD", 99_000, now + timedelta(seconds=61))
    assert server.offset_msc is None
