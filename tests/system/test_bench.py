"""The benchmarks run, store what they claim to store, and tell what others rely on: the names of the contract."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.xdist_group("heavy")


def bench(folder, *arguments, rounds=1):
    """Away from the environments of peers that other tests make."""
    command = [sys.executable, "-m", "copydesk", "bench", *map(str, arguments), "--rounds", str(rounds), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=170, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_fanout_tells_its_ratios_and_paints_them(tmp_path):
    page = tmp_path / "fanout.html"

    found, shown = bench(tmp_path, "fanout", "--followers", 8, "--report", page)

    assert set(found["ratios"]) == {
        "cpu_ccxt_over_us",
        "cpu_us_over_floor",
        "wire_us_over_floor",
        "cold_ccxt_over_us",
        "rss_mb_1000",
        "time_80_over_8",
    }
    assert len(found["rows"]) == 5
    assert all(row["us_cpu_an_order"] > 0 for row in found["rows"])
    assert "goal ≥ 15" in shown
    painted = page.read_text()
    assert painted.count('class="bar') >= 5
    assert "http" not in painted


def test_ingest_counts_what_is_stored(tmp_path):
    found, _ = bench(tmp_path, "ingest", "--alerts", 64)

    assert found["ratios"].keys() == {"rps_us_over_naive"}
    assert [row["server"] for row in found["rows"]] == ["FastAPI, inline SQLite FULL", "copydesk serve"]
    assert all(0 < row["ms_median"] <= row["ms_p99"] for row in found["rows"])


def test_broadcast_reaches_every_agent_of_both_servers(tmp_path):
    found, shown = bench(tmp_path, "broadcast", "--agents", 50)

    assert found["ratios"].keys() == {"last_naive_over_us"}
    assert [row["server"] for row in found["rows"]] == ["FastAPI, send_json loop", "copydesk"]
    assert all(0 < row["ms_median_receipt"] <= row["ms_last_receipt"] for row in found["rows"])
    assert "goal ≥ 1.8" in shown


@pytest.mark.timeout(180)
def test_a_trade_by_hand_is_timed_from_the_masters_terminal_to_the_followers(tmp_path):
    found, _ = bench(tmp_path, "mt5", "--followers", 2, rounds=3)

    assert found["ratios"].keys() == {"ms_fill_over_floor"}
    assert [row["step"].split(": ")[1] for row in found["rows"]][:4] == [
        "seen by the master",
        "accepted by the hub",
        "order_send at the copier",
        "filled for the follower",
    ]
    own = {row["step"]: row["ms_p50"] for row in found["rows"]}
    assert own["1 follower: seen by the master"] < own["1 follower: accepted by the hub"]
    assert own["1 follower: accepted by the hub"] < own["1 follower: filled for the follower"]
    assert own["floor: order_send's own round trip"] > 0
