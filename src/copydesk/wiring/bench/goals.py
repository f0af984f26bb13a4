"""What each ratio should be; docs/performance.md says what stands in the way where it is not."""

AT_LEAST = {
    "cpu_ccxt_over_us": 15.0,
    "cold_ccxt_over_us": 20.0,
    "rps_us_over_naive": 3.0,
    "last_naive_over_us": 1.8,
    "rows_us_over_vectorbt": 20.0,
}
AT_MOST = {
    "cpu_us_over_floor": 2.0,
    "wire_us_over_floor": 4.0,
    "rss_mb_1000": 60.0,
    "time_10000_over_1000": 11.0,
    "dashboard_cpu_pct": 4.0,
    "fanout_pages_over_none": 1.1,
}


def goal_of(ratio: str) -> str:
    """In words; empty for a ratio that has none."""
    if ratio in AT_LEAST:
        return f"≥ {AT_LEAST[ratio]:g}"
    return f"≤ {AT_MOST[ratio]:g}" if ratio in AT_MOST else ""


def is_met(ratio: str, value: float | None) -> bool | None:
    """None where there is no goal, or nothing was measured."""
    if value is None or not goal_of(ratio):
        return None
    return value >= AT_LEAST[ratio] if ratio in AT_LEAST else value <= AT_MOST[ratio]
