"""Binance USDⓈ-M futures: codec (pure), refusals (the closed list), transport (ccxt), session and venue."""

from copydesk.venues.binance.venue import BinanceFutures

__all__ = ["BinanceFutures"]
