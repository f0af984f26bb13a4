"""The simulator's own doors, ``/_sim/…``, from a test's side."""

import json
import urllib.request


def ask(origin, door, wish):
    request = urllib.request.Request(f"{origin}/_sim/{door}", json.dumps(wish).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
