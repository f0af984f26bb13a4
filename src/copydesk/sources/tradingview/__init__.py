"""TradingView alerts as people really send them: twenty shapes and their accidents, each understood exactly or refused.

    bytes → documents      json_shapes, else one of the text families (sentences, pairs, rows)
    document → Instruction fields, words, figures, position, instruction

docs/tradingview.md shows every shape and what it becomes; tests/sources proves that page.
"""

from copydesk.sources.tradingview.alert import Envelope, open_alert, read_alert
from copydesk.sources.tradingview.secrecy import SECRET_NAMES

__all__ = ["SECRET_NAMES", "Envelope", "open_alert", "read_alert"]
