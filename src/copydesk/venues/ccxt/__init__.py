"""Any exchange that ccxt knows: what is known of it (capabilities), codec (pure), carrier (ccxt), session and venue."""

from copydesk.venues.ccxt.candles import CcxtCandles
from copydesk.venues.ccxt.venue import CcxtVenue

__all__ = ["CcxtCandles", "CcxtVenue"]
