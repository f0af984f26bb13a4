"""Peers that are run in environments of their own, against a simulator of their own."""

import json
import subprocess
from pathlib import Path

import pytest

from peers.doors import deriv_simulator, simulator
from peers.environments import NoRegistry, interpreter, node_folder

STORIES = Path(__file__).parent / "stories"
PATIENCE_S = 150


@pytest.fixture
def tell():
    """Run a peer's story: what it saw. Skipped where the peer cannot be had."""

    def run(peer, story):
        return _told(peer, lambda: [interpreter(peer), STORIES / story], simulator)

    return run


@pytest.fixture
def tell_deriv():
    """The same against the Deriv simulator; a story in JavaScript is told where its modules are."""

    def run(peer, story):
        if story.endswith(".js"):
            return _told(peer, lambda: ["node", STORIES / story], deriv_simulator, lambda: [node_folder(peer)])
        return _told(peer, lambda: [interpreter(peer), STORIES / story], deriv_simulator)

    return run


def _told(peer, teller, venue, more=list):
    try:
        command, rest = teller(), more()
    except NoRegistry as reason:
        pytest.skip(f"{peer} cannot be installed here: {reason}")
    with venue() as origin:
        command = [*command, origin, *rest]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    return json.loads(done.stdout.splitlines()[-1])
