"""Peers that are run in environments of their own, against a simulator of their own."""

import json
import subprocess
from pathlib import Path

import pytest

from peers.doors import simulator
from peers.environments import NoRegistry, interpreter

STORIES = Path(__file__).parent / "stories"
PATIENCE_S = 150


@pytest.fixture
def tell():
    """Run a peer's story: what it saw. Skipped where the peer cannot be had."""

    def run(peer, story):
        try:
            python = interpreter(peer)
        except NoRegistry as reason:
            pytest.skip(f"{peer} cannot be installed here: {reason}")
        with simulator() as origin:
            command = [python, STORIES / story, origin]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr[-4_000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
