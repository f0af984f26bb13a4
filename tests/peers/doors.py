"""A simulator as people start it, and its own doors, ``/_sim/…``."""

import contextlib
import json
import re
import ssl
import subprocess
import sys
import urllib.request


@contextlib.contextmanager
def simulator(*options):
    """``copydesk simulate binance`` on a free port: its address, once it answers."""
    with _started("binance", *options) as origin:
        ask(origin, "accounts", {"api_key": "peer", "api_secret": "peer-secret", "balance": "10000"})
        ask(origin, "price", {"symbol": "BTCUSDT", "price": "95200", "hold": True})
        yield origin


@contextlib.contextmanager
def deriv_simulator():
    """``copydesk simulate deriv`` on a free port, 1HZ100V held at 1500 until a story moves it."""
    with _started("deriv") as address:
        origin = address.replace("ws", "http", 1)
        ask(origin, "accounts", {"token": "peer-token", "balance": "1000"})
        ask(origin, "price", {"symbol": "1HZ100V", "price": "1500", "hold": True})
        yield origin


@contextlib.contextmanager
def _started(venue, *options):
    command = [sys.executable, "-m", "copydesk", "simulate", venue, "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield re.search(r"\w+://[\d.]+:\d+", process.stderr.readline())[0]
        finally:
            process.terminate()


def ask(origin, door, wish):
    """Whatever certificate stands before it: who asks has just started it."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(f"{origin}/_sim/{door}", json.dumps(wish).encode())
    with urllib.request.urlopen(request, timeout=10, context=unchecked) as answer:
        return json.load(answer)
