"""A Binance USDⓈ-M futures venue on loopback, written from the fact sheet and from nothing of the desk."""

from copydesk.simulators.binance.exchange.state import StateFileError
from copydesk.simulators.binance.server import serve, tls_context

__all__ = ["StateFileError", "serve", "tls_context"]
