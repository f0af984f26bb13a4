"""A Deriv venue on loopback, written from the venue's documents and from nothing of the desk."""

from copydesk.simulators.deriv.exchange.state import StateFileError
from copydesk.simulators.deriv.server import serve

__all__ = ["StateFileError", "serve"]
