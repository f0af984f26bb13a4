"""Backtests on candles that this desk's bots have stored."""

import json
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from copydesk.cli import app
from copydesk.ports.strategy_table import Series
from copydesk.settings import Settings
from copydesk.wiring.admin import open_store
from strategy_support import candles_of

RUNNER = CliRunner()
START_MS = 1_767_225_600_000
SERIES = Series(market="binanceusdm:demo", symbol="BTCUSDT", timeframe="1m")


@pytest.fixture
async def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("COPYDESK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COPYDESK_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    settings = Settings(_env_file=None, data_dir=tmp_path, master_key_file=tmp_path / "master.key")
    closes = [Decimal(1_000) + (index * 7) % 11 for index in range(300)]
    async with open_store(settings) as store:
        candles = candles_of(closes, start_ms=START_MS)
        await store.write(lambda tables: tables.strategies.add_candles(SERIES, candles))


def run(*arguments):
    answer = RUNNER.invoke(app, ["backtest", "rsi", *arguments, "--json"])
    return answer, json.loads(answer.stdout) if answer.exit_code == 0 else None


def test_a_range_of_stored_candles_is_played(desk):
    _, whole = run("--stored", "BTCUSDT")
    _, part = run("--stored", "binanceusdm:demo/BTCUSDT", "--from", "2026-01-01T01:00", "--to", "2026-01-01T03:00")

    assert (whole["candles"]["count"], whole["candles"]["gaps"]) == (300, 0)
    assert part["candles"]["count"] == 120
    assert part["candles"]["from"].startswith("2026-01-01T01:00")


def test_candles_that_are_not_there_are_refused_by_name(desk):
    unknown, _ = run("--stored", "NOSUCH")
    elsewhere, _ = run("--stored", "kraken:live/BTCUSDT")
    neither, _ = run()

    assert "are stored from: none" in str(unknown.exception or unknown.output)
    assert "binanceusdm:demo" in str(elsewhere.exception or elsewhere.output)
    assert "--stored SYMBOL" in str(neither.exception or neither.output)
