"""The simulation itself is held to account: it finds nothing wrong, tells one story a seed, and misses no known-bad desk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.controls import CONTROLS

TESTS = Path(__file__).parent.parent

pytestmark = pytest.mark.xdist_group("heavy")


def simulate(*arguments, module="simulation", hash_seed="random"):
    """In a process of its own, as `make` runs it."""
    environment = os.environ | {"PYTHONPATH": str(TESTS), "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=110)


def test_five_hundred_stories_break_nothing(tmp_path):
    found = simulate("--seeds", 500, "--first", 70_000, "--processes", 1, "--json", tmp_path / "totals.json")
    totals = json.loads((tmp_path / "totals.json").read_text())

    assert found.returncode == 0, found.stdout
    assert totals["broken"] == []
    assert totals["kills"] > 300
    assert min(totals["checked"].values()) > 0


def test_a_seed_tells_the_same_story_in_every_process():
    one, two = (simulate("--seed", 4, hash_seed=hash_seed) for hash_seed in ("1", "2"))

    assert one.stdout == two.stdout
    assert "executed" in one.stdout
    assert simulate("--seed", 6).stdout != one.stdout


def test_every_known_bad_desk_is_caught(tmp_path):
    found = simulate("--controls", "--processes", 1, "--json", tmp_path / "controls.json")
    caught = {one["control"]: one["seed"] for one in json.loads((tmp_path / "controls.json").read_text())}

    assert found.returncode == 0, found.stdout
    assert set(caught) == {control.name for control in CONTROLS}
    assert None not in caught.values()


@pytest.mark.parametrize("breaks", ["no", "yes"])
def test_the_five_events_in_every_order_leave_followers_where_the_master_is(breaks):
    found = simulate(breaks, module="simulation.five_events")

    assert found.returncode == 0, found.stdout + found.stderr
    assert "120 orders" in found.stdout
