"""Reading alerts in tests, and saying what they became in the words of docs/tradingview.md."""

import json

import pytest

from copydesk.domain.errors import InvalidInput
from copydesk.domain.instrument import plain
from copydesk.domain.signal import SizeUnit
from copydesk.sources.tradingview import open_alert, read_alert
from store_support import NOW

SECRET = "a secret of more than sixteen"

_UNITS = {SizeUnit.BASE: " coins", SizeUnit.QUOTE: " in quote currency", SizeUnit.PERCENT: " %"}


def as_bytes(body):
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def read_all(body, *, offered=SECRET, at=NOW):
    """Every instruction of an alert whose sender has shown the secret beside it."""
    return read_alert(open_alert(as_bytes(body), offered), at)


def read(body, **more):
    (found,) = read_all(body, **more)
    return found


def refuse(body, **more):
    with pytest.raises(InvalidInput) as refused:
        read_all(body, **more)
    return refused.value


def told(instruction):
    words = [f"{instruction.action.value.replace('_', ' ')} {instruction.symbol}"]
    size, target = instruction.size, instruction.target
    if size is not None:
        words.append(f"{plain(size.amount)}{_UNITS[size.unit]}")
    if target is not None:
        now = f"strategy now {target.direction}"
        words.append(now if target.size in {None, 0} else f"{now} {target.size}")
    if target is not None and target.previous_size is not None:
        words.append(f"before {target.previous_size}")
    if instruction.price is not None:
        words.append(f"at {instruction.price}")
    return ", ".join(words)


def became(body, **more):
    return "; ".join(told(one) for one in read_all(body, **more))
