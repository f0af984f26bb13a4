"""A Binance venue on loopback, USDⓈ-M futures and spot, written from the venue's documents and from nothing of the desk."""

from copydesk.simulators.binance.exchange.state import StateFileError
from copydesk.simulators.binance.server import serve, tls_context

__all__ = ["StateFileError", "serve", "tls_context"]
