"""Where an alert's secret may stand, and that it stands nowhere in what is kept."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from copydesk.sources.tradingview.fields import Fields, plain_name

SECRET_NAMES = ("secret", "passphrase", "signalToken", "token", "key")

REPLACED_MIN = 8
"""Characters; a bot's secret has at least 16, and a shorter value under such a name is a word like any other."""

_PLAIN = tuple(plain_name(name) for name in SECRET_NAMES)
_VALUE = r"(?:(?P<quote>[\"'])(?P<quoted>[^\"'\n]+)(?P=quote)|(?P<plain>[^\s;|,\"']+))"
_NAMED = re.compile(
    rf"(?:^|(?<=[\s;|,]))(?:{'|'.join(SECRET_NAMES)})(?:=|: +(?=\S+$)){_VALUE}[;|,]?", re.IGNORECASE | re.MULTILINE
)
_IN_RUINS = re.compile(
    rf"(?<![\w-])[\"']{{0,2}}(?:{'|'.join(SECRET_NAMES)})[\"']{{0,2}}\s{{0,9}}:\s{{0,9}}[\"']{{1,2}}([^\"'\\\n]{{1,200}})[\"']",
    re.IGNORECASE,
)


def secret_of(fields: Fields) -> str | None:
    """At the top, or in JSON inside one of the texts there."""
    return next(iter(_told(fields)), None)


def take_named(text: str) -> tuple[str | None, str]:
    """`secret=…` or `secret: …` in a text: the secret, and the text without it."""
    found = _NAMED.search(text)
    if found is None:
        return None, text
    return found["quoted"] or found["plain"], (text[: found.start()] + text[found.end() :]).strip()


def take_first_line(text: str) -> tuple[str | None, str]:
    """The first of several lines, and the others."""
    first, _, rest = text.partition("\n")
    return (first.strip(), rest.strip()) if rest.strip() else (None, text)


def secret_in_ruins(text: str) -> str | None:
    """Of JSON that is loose, or broken: so that its sender is told what is broken, not that the secret is wrong."""
    found = _IN_RUINS.search(text)
    return None if found is None else found[1]


def without_secrets(fields: Fields, more: Mapping[str, Any], known: Iterable[str | None]) -> dict[str, Any]:
    """The document and what is kept beside it: no secret under its names, nor as a value, a name or a part of a text."""
    long_enough = {secret for secret in [*known, *_told(fields)] if secret and len(secret) >= REPLACED_MIN}
    secrets = {form for secret in long_enough for form in (secret, json.dumps(secret)[1:-1])}
    hidden = sorted(secrets, key=len, reverse=True)

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            for secret in hidden:
                value = value.replace(secret, "(secret)")
            return value
        if isinstance(value, dict):
            return {cleaned(name): cleaned(one) for name, one in value.items() if plain_name(name) not in _PLAIN}
        if isinstance(value, list):
            return [cleaned(one) for one in value]
        return value

    found: dict[str, Any] = cleaned({**fields.document, **more})
    return found


def _told(fields: Fields) -> list[str]:
    return [one.value for one in fields.at_top(*_PLAIN) if isinstance(one.value, str)]
