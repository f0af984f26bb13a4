"""The names of venues: four that the desk knows itself, and `ccxt:<id>` for every exchange that ccxt knows."""

from typing import NewType

VenueName = NewType("VenueName", str)

BINANCE_FUTURES = VenueName("binance-futures")
PAPER = VenueName("paper")
MT5 = VenueName("mt5")
DERIV = VenueName("deriv")

CCXT = "ccxt:"


def ccxt_id(venue: VenueName) -> str | None:
    """Which of ccxt's exchanges this is; None for a venue of our own."""
    return venue.removeprefix(CCXT) if venue.startswith(CCXT) else None
