"""A simulator as people start it, and peers that are run in environments of their own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from peers.doors import ask
from peers.environments import NoRegistry, interpreter

STORIES = Path(__file__).parent / "stories"
PATIENCE_S = 150


@pytest.fixture
def simulator():
    """``copydesk simulate binance`` on a free port: its address."""
    command = [sys.executable, "-m", "copydesk", "simulate", "binance", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            origin = re.search(r"http://[\d.]+:\d+", process.stderr.readline())[0]
            ask(origin, "accounts", {"api_key": "peer", "api_secret": "peer-secret", "balance": "10000"})
            ask(origin, "price", {"symbol": "BTCUSDT", "price": "95200", "hold": True})
            yield origin
        finally:
            process.terminate()


@pytest.fixture
def tell(simulator):
    """Run a peer's story against the simulator: what it saw. Skipped where the peer cannot be had."""

    def run(peer, story):
        try:
            python = interpreter(peer)
        except NoRegistry as reason:
            pytest.skip(f"{peer} cannot be installed here: {reason}")
        command = [python, STORIES / story, simulator]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr[-4_000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
