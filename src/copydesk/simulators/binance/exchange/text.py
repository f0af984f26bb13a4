"""Numbers and names as the wire has them: text, never exponents."""

from decimal import ROUND_HALF_EVEN, Decimal
from random import Random

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_DUST = Decimal("0.00000001")


def plain(value: Decimal) -> str:
    """As many digits as needed, at most eight behind the point."""
    text = f"{value.quantize(_DUST, ROUND_HALF_EVEN):f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def money(value: Decimal) -> str:
    return f"{value.quantize(_DUST, ROUND_HALF_EVEN):f}"


def invented(random: Random, length: int) -> str:
    """A name nobody has chosen."""
    return "".join(random.choices(_LETTERS, k=length))
