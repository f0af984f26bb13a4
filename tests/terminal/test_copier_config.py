"""What a copier is told, by whom, and which parts of older files it does not read."""

import json

import pytest
from pydantic import SecretStr

from copydesk.domain.errors import InvalidInput
from copydesk.terminal.copier.config import CopierOptions, combine_copier, read_copier_file

OLD = {
    "api": {"url": "http://desk.example:8000", "username": "ann", "password": "secret-word"},
    "mt5": {"login": 999, "path": "C:\\somewhere"},
    "trade_copy": {"multiplier": 50},
    "service": {"loop_interval": 1},
}


def written(path, text, mode=0o600):
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    path.chmod(mode)
    return path


def test_the_json_of_older_clients_is_read_and_the_hubs_values_win(tmp_path):
    read = read_copier_file(written(tmp_path / "config_client.json", OLD))

    assert (read.options.username, read.options.password) == ("ann", SecretStr("secret-word"))
    assert any("mt5 (login, path) is ignored: which login is traded" in one for one in read.warnings)
    assert any(
        "trade_copy (multiplier) is ignored: lots and limits are held by the hub" in one for one in read.warnings
    )


def test_toml_has_a_table_for_what_only_the_owner_knows(tmp_path):
    text = '[api]\nusername = "ann"\n[copier]\nreverse = true\nclose_orphans = false\n[copier.symbols]\nEURUSD = "EURUSD.m"\n'
    read = read_copier_file(written(tmp_path / "copier.toml", text, 0o644))
    config = combine_copier(CopierOptions(), read.options, default_url="http://127.0.0.1:8000")

    assert (config.reverse, config.closes_orphans, config.opens_missing) == (True, False, False)
    assert config.symbols == {"EURUSD": "EURUSD.m"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[api]\nuser = "ann"\n', r"api\.user: no such setting"),
        ("[copier]\nlots = 1\n", r"copier\.lots: no such setting"),
        ("[copier]\nsymbols = 3\n", "symbols"),
        ("copier = 3\n", "a table of its own"),
    ],
)
def test_a_setting_that_there_is_not_stops_the_start(tmp_path, text, problem):
    with pytest.raises(InvalidInput, match=problem):
        read_copier_file(written(tmp_path / "copier.toml", text))


def test_flags_come_before_the_file_and_a_name_is_needed():
    config = combine_copier(
        CopierOptions(username="bob"), CopierOptions(username="ann", url="http://a/"), default_url="http://b"
    )

    assert (config.username, config.url, config.closes_orphans) == ("bob", "http://a", True)
    with pytest.raises(InvalidInput, match="COPYDESK_COPIER__USERNAME"):
        combine_copier(CopierOptions(), default_url="http://b")
    with pytest.raises(InvalidInput, match="more than 29 characters"):
        combine_copier(CopierOptions(username="a", symbols={"X": "Y" * 30}), default_url="http://b")
