"""Masks of ``group=``: commas between them, ``*`` for anything, ``!`` excludes at once; case counts."""

import re


def matches(group: str, symbol: str) -> bool:
    found = False
    for mask in (part.strip() for part in group.split(",")):
        if mask.startswith("!") and _fits(mask[1:], symbol):
            return False
        found = found or (not mask.startswith("!") and _fits(mask, symbol))
    return found


def _fits(mask: str, symbol: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, mask.split("*"))), symbol) is not None
