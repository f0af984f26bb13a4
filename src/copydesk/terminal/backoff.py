"""Waiting longer each time, and never quite as long as the others do."""

import random

FIRST_S, LAST_S = 1.0, 30.0


def back_off(failures: int, chance: random.Random, *, last_s: float = LAST_S) -> float:
    """Seconds before the next try, after so many failures in a row (1 or more): 1 to `last_s`, with jitter."""
    longest = min(last_s, FIRST_S * 2.0 ** min(failures, 10))
    return max(FIRST_S, longest * chance.uniform(0.5, 1.0))
