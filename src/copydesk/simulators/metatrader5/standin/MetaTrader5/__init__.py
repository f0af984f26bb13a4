"""A stand-in with the surface of the MetaTrader5 package 5.0.6231 that talks to `copydesk simulate metatrader5`.

It imports nothing of copydesk and is on the path only when somebody puts it there. The broker's address is
METATRADER5_SIMULATOR_URL, by default http://127.0.0.1:8103; where the real package is installed the variable
must be set, so that no script meant for a real terminal meets this one by accident. Raises ImportError otherwise.
"""

from ._guard import check_intended as _check_intended

_check_intended()

from ._constants import *  # noqa: E402, F403
from ._core import *  # noqa: E402, F403
from ._trading import Buy as Buy  # noqa: E402
from ._trading import Close as Close  # noqa: E402
from ._trading import Sell as Sell  # noqa: E402
from ._trading import raw_order as _RawOrder  # noqa: E402, F401, N812

__version__ = "5.0.6231"
__author__ = "MetaQuotes Ltd."
