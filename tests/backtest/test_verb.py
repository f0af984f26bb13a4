"""`copydesk backtest` as a person types it: the table, the JSON, the page, the refusals."""

import json
import re
import subprocess
import sys
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from backtest_support import ROOT, real_candles, seeded_candles, write_candles
from copydesk.cli import app
from copydesk.domain.errors import InvalidInput

EXAMPLE = str(ROOT / "examples" / "my_strategy.py")


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    return str(write_candles(tmp_path_factory.mktemp("backtest") / "walk.csv", seeded_candles(1_500)))


def run(*words):
    """What it says and its JSON; an error of ours is raised as it is."""
    done = CliRunner().invoke(app, ["backtest", *words], env={"COLUMNS": "130"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stderr, json.loads(done.stdout) if done.stdout.strip() else None


def test_rsi_over_a_file_tells_figures_that_add_up(candles):
    said, told = run("rsi", "--candles", candles, "--set", "rsi_buy=35", "--json")

    trades, figures = told["trades"], told["figures"]
    assert told["settings"]["rsi_buy"] == "35"
    assert told["candles"]["count"] == 1_500
    assert figures["trades"] == len(trades) > 20
    assert figures["wins"] + figures["losses"] == figures["trades"]
    assert sum(Decimal(one["net"]) for one in trades) == pytest.approx(Decimal(figures["net"]), abs=Decimal("0.0001"))
    assert Decimal(trades[-1]["balance"]) == Decimal(figures["balance"])
    assert sum(told["decisions"].values()) == 1_500 - 34
    assert len(told["curve"]) == 1_500
    assert Decimal(told["curve"][-1]["account"]) == round(Decimal(figures["balance"]), 2)
    assert max(one["drawdown_pct"] for one in told["curve"]) == figures["max_drawdown_pct"]
    assert "win rate" in said
    assert "filled at the next one's open" in said


def test_streak_shows_its_ruin_card_before_it_plays(candles):
    said, told = run("streak", "--candles", candles, "--set", "delay_threshold=4", "--json")

    assert said.index("Ruin card") < said.index("The last")
    assert "From level 6 on even a win leaves the ladder with a loss" in said
    assert told["ruin_card"]["levels"][5]["net_if_won"] == "-0.6"
    assert told["ladders"]["count"] == sum(told["ladders"]["ended_at_level"].values())


def test_the_ruin_card_alone_needs_no_candles():
    said, told = run("streak", "--ruin-card", "--balance", "2000", "--json")

    assert "after level 9 of 10" in said
    assert told["last_level"] == 9


def test_a_ladder_without_funds_is_refused_after_its_card_was_shown(candles):
    words = ("streak", "--candles", candles, "--balance", "500")

    with pytest.raises(InvalidInput, match=r"max_level: the ladder of 10 levels costs 1023\.00"):
        run(*words)

    assert "cannot fund the whole ladder" in run(*words, "--set", "accept_unfunded_ladder=yes")[0]


def test_a_file_of_ones_own_is_played_with_its_settings(candles):
    _, told = run(EXAMPLE, "--candles", candles, "--set", "short=5", "--json")

    assert told["settings"] == {"short": 5, "stop_loss": 2.5}
    assert told["strategy"] == "my_strategy.py"
    assert told["figures"]["trades"] > 5


def test_every_decision_is_written_with_its_reason_and_numbers(candles, tmp_path):
    file = tmp_path / "decisions.jsonl"

    run("rsi", "--candles", candles, "--decisions", str(file))

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 1_500 - 34
    assert {one["intention"]["type"] for one in lines} == {"hold", "open", "close"}
    assert all(one["reason"] and one["numbers"]["rsi"] is not None for one in lines)


def test_a_sweep_draws_a_map_and_plays_the_best(candles):
    said, told = run("rsi", "--candles", candles, "--sweep", "rsi_buy=30:38:4,rsi_sell=60:64:2", "--json")

    cells = told["sweep"]["cells"]
    assert len(cells) == 9
    assert told["sweep"]["best"]["return_pct"] == max(cell["return_pct"] for cell in cells)
    assert told["settings"]["rsi_buy"] == told["sweep"]["best"]["values"]["rsi_buy"]
    assert told["figures"]["return_pct"] == pytest.approx(told["sweep"]["best"]["return_pct"], abs=1e-3)
    assert "rsi_sell across, rsi_buy down" in said
    assert re.search(r"^ +30 +-?\d+\.\d +-?\d+\.\d +-?\d+\.\d", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["rsi"], "candles: give a file"),
        (["rsi", "--candles", "none.csv"], "No such file"),
        (["rsi", "--set", "rsi_buy"], "'rsi_buy' is not name=value"),
        (["rsi", "--set", "rsi_buy=1", "--set", "rsi_buy=2"], "rsi_buy is given twice"),
        (["rsi", "--fee", "much"], "fee: 'much' is not a number"),
        (["rsi", "--fee", "50"], "fee: 50 is not from 0 to 10 per cent"),
        (["rsi", "--balance", "0"], "balance: 0 is not above 0"),
        (["rsi", "--size", "20000"], "size: 20000 is not above 0 and at most the balance"),
        (["rsi", "--candles", "FILE", "--report", "no/such/folder.html"], "report: there is no folder no/such"),
        (["rsi", "--payout", "0.9"], "payout: 0.9 is not above 1"),
        (["rsi", "--ruin-card"], "ruin-card: this strategy has no ladder"),
        (["rsi", "--candles", "FILE", "--sweep", "rsi_buy=45:30"], "does not lead from a low value up to a high one"),
        (["rsi", "--candles", "FILE", "--sweep", "rsi_buy"], "is not name=low:high"),
        (["rsi", "--candles", "FILE", "--sweep", "rsi_bye=1:2"], "rsi_bye: there is no such setting"),
        (["rsi", "--candles", "FILE", "--sweep", "rsi_buy=1:200,rsi_sell=1:200"], "at most 4 and 10000"),
        (["rsi", "--candles", "FILE", "--set", "rsi_period=999"], None),
        (["streak", "--candles", "FILE", "--set", "candle_s=300"], "candle_s: 300, but the candles"),
        (["streak", "--candles", "FILE", "--set", "duration_s=90", "--set", "delay_threshold=2"], "duration_s: 90"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(words, refusal, candles):
    words = [candles if word == "FILE" else word for word in words]

    if refusal is None:
        run(*words)
        return
    with pytest.raises(InvalidInput, match=refusal):
        run(*words)


def test_a_refusal_is_one_line_and_exit_code_one(tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("ts_ms,open,high,low,close,volume\n0,1,2,3,1,0\n")

    done = subprocess.run(
        [sys.executable, "-m", "copydesk", "backtest", "rsi", "--candles", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.strip().endswith("bad.csv, line 2, low: 3 is above open, 1")
    assert "Traceback" not in done.stderr


def test_the_other_verbs_load_neither_numba_nor_talib():
    script = (
        "import sys\nfrom copydesk.cli import VERBS, Verbs\n"
        "for verb in VERBS:\n    verb in {'backtest', 'backtest-worker'} or Verbs().get_command(None, verb)\n"
        "assert not {'numba', 'talib', 'llvmlite'} & set(sys.modules), 'loaded'"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_rsi_over_real_candles_is_played_to_the_end(tmp_path):
    file = write_candles(tmp_path / "real.csv", real_candles())

    _, told = run("rsi", "--candles", str(file), "--json")

    assert told["candles"]["count"] == 20_160
    assert told["figures"]["trades"] == len(told["trades"]) > 400
