"""Every family of shapes, in the order they are tried: the first that knows a text reads it."""

from collections.abc import Callable

from copydesk.sources.tradingview.json_shapes import EXPECTED, Reading, looks_like_json, read_json
from copydesk.sources.tradingview.pairs import read_pairs
from copydesk.sources.tradingview.rows import read_rows
from copydesk.sources.tradingview.sentences import read_sentence

TEXT_FAMILIES: tuple[Callable[[str], Reading | None], ...] = (read_sentence, read_pairs, read_rows)

TEXT_MAX = 4 * 1024
"""Characters of a plain text; TradingView's own messages are shorter."""

_UNKNOWN = f"it is no message that is known here: {EXPECTED}, or a text such as `buy BTCUSDT`"


def read_text(text: str) -> Reading:
    """A text that is no JSON."""
    if len(text) > TEXT_MAX:
        return Reading(problem=f"a text may have {TEXT_MAX} characters")
    readings = (family(text) for family in TEXT_FAMILIES)
    return next((one for one in readings if one is not None), Reading(problem=_UNKNOWN))


def read_any(text: str) -> tuple[Reading, bool]:
    """A body (and whether it is plain text): JSON, or JSON that holds nothing but a text, or a text."""
    found = read_json(text)
    if isinstance(found, str):
        text, found = found.strip(), read_json(found)
    if isinstance(found, str):
        return Reading(problem=EXPECTED), False
    if found is not None:
        return found, False
    if looks_like_json(text):
        return Reading(is_loose=True), False
    return read_text(text), True
