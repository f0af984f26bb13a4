"""MetaTrader 5 as a venue: orders are commands to the program beside a follower's terminal."""

from copydesk.venues.metatrader5.switchboard import Switchboard
from copydesk.venues.metatrader5.venue import MetaTrader5

__all__ = ["MetaTrader5", "Switchboard"]
