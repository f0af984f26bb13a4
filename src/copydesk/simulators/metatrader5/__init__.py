"""A MetaTrader 5 broker on loopback with terminals to connect to, and a stand-in for the package that connects."""

from copydesk.simulators.metatrader5.edge.state import StateFileError
from copydesk.simulators.metatrader5.hand import PENDING_TYPES, Hand, HandError
from copydesk.simulators.metatrader5.server import STANDIN_FOLDER, serve

__all__ = ["PENDING_TYPES", "STANDIN_FOLDER", "Hand", "HandError", "StateFileError", "serve"]
