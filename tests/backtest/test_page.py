"""The page of a backtest: whole in itself, and its charts show what was played."""

import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from backtest_support import seeded_candles, write_candles
from copydesk.domain.errors import CopydeskError
from copydesk.engine.backtest.terms import Terms
from copydesk.wiring.backtest import charts
from copydesk.wiring.backtest.page import BARS_MAX, chart_data, render
from copydesk.wiring.backtest.play import run_backtest
from copydesk.wiring.strategies import StrategyMaker

NODE = shutil.which("node")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    file = write_candles(tmp_path_factory.mktemp("page") / "walk<b>.csv", seeded_candles(1_500))
    return run_backtest(
        StrategyMaker("rsi"), {}, Terms(), file, axes={"rsi_buy": ["30", "40"], "rsi_sell": ["60", "70"]}
    )


def test_the_page_holds_everything_and_names_no_address_outside(found):
    page = render(found)
    ours = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)

    assert "default-src 'none'" in page
    assert not re.findall(r"https?:|src=|href=|url\(", ours)
    assert set(re.findall(r"https?://[\w./-]+", page)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/2000/xmlns/",
        "http://www.w3.org/XML/1998/namespace",
    }
    assert "walk&lt;b&gt;.csv" in page
    assert "<b>.csv" not in page


def test_the_page_tells_the_figures_and_every_trade(found):
    page = render(found)

    assert f"{found.figures.balance:,.2f}" in page
    assert page.count("<tr>") == 1 + len(found.played.trades)
    assert "It was chosen by knowing the outcome" in page


def test_many_candles_are_drawn_several_to_a_bar(found, tmp_path):
    file = write_candles(tmp_path / "long.csv", seeded_candles(BARS_MAX * 2))
    data = chart_data(run_backtest(StrategyMaker("rsi"), {}, Terms(), file))

    assert len(data["times"]) == len(data["candles"]) == len(data["account"]) == len(data["drawdown"]) == BARS_MAX
    assert all(low <= min(opened, close) <= max(opened, close) <= high for opened, close, low, high in data["candles"])
    assert max(one["to"] for one in data["trades"]) < BARS_MAX


def test_the_account_drawn_is_the_account_that_was_played(found):
    data = chart_data(found)

    assert data["account"][-1] == round(float(found.figures.balance), 2)
    assert max(data["drawdown"]) == pytest.approx(found.figures.max_drawdown_pct, abs=1e-3)
    assert Decimal(str(data["account"][0])) == 10_000


@pytest.mark.skipif(NODE is None, reason="node is not here: the page's scripts are not run")
def test_the_pages_own_scripts_draw_candles_trades_account_and_map(found, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(render(found), encoding="utf-8")

    done = subprocess.run(
        [NODE, Path(__file__).parent / "page_in_node.cjs", page],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr[-2_000:]
    told = json.loads(done.stdout)
    series = {name: count for name, _, count in told["market"]["series"]}
    assert series["candles"] == series["account"] == series["drawdown"] == 1_500
    assert series["end"] == len(found.played.trades)
    assert series["long or CALL"] + series["short or PUT"] == series["end"]
    assert told["heat"]["series"][0][2] == 4
    assert told["market"]["svg"] > 50_000


def test_a_chart_library_in_another_form_is_said_plainly(tmp_path, monkeypatch):
    (tmp_path / "index.js").write_text("export const echarts = {};")
    monkeypatch.setattr(charts, "_folder", lambda: tmp_path)

    with pytest.raises(CopydeskError, match="keeps its ECharts in a form that is not known here"):
        charts.echarts_script()
