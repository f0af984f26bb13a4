"""An alert: opened without believing anything in it, and read once its sender has proved who they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from copydesk.domain.errors import FieldError
from copydesk.domain.signal import Instruction
from copydesk.sources.tradingview.families import is_json, read_any, read_text
from copydesk.sources.tradingview.fields import Fields
from copydesk.sources.tradingview.instruction import Origin, read_instruction, says_something
from copydesk.sources.tradingview.json_shapes import Reading, storable
from copydesk.sources.tradingview.problems import Problems, refuse
from copydesk.sources.tradingview.repeats import Key, apart, read_key
from copydesk.sources.tradingview.secrecy import (
    secret_in_ruins,
    secret_of,
    take_first_line,
    take_named,
    without_secrets,
)

_PLACEHOLDER = re.compile(r"\{\{[^}\"'\n]{0,80}\}?\}?")

_CARRIERS = ("message", "text", "content", "alertmessage", "comment")
"""Fields in which a document may carry a text that is the alert itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An alert before anything in it is believed: the secret it shows, and what it seems to say.

    `text` is the body without a secret that stood beside the message; `offered` came beside the body.
    """

    secret: str | None
    reading: Reading
    body: bytes
    text: str
    is_text: bool = False
    offered: str | None = None


def open_alert(body: bytes, offered: str | None = None) -> Envelope:
    """Never raises: whether the sender may speak is decided before what they say.

    The first line of a text counts as its secret only where none was `offered` and none is named in it.
    """
    try:
        text = body.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        return Envelope(secret=None, reading=Reading(problem="it is no UTF-8 text"), body=body, text="")
    secret, rest = (None, text) if is_json(text) else _beside(text, offered)
    reading, is_text = read_any(rest)
    if secret is None:
        shown = (secret_of(document) for document in reading.documents)
        secret = next((one for one in shown if one is not None), None)
    if secret is None and not reading.documents:
        secret = secret_in_ruins(rest)
    return Envelope(secret=secret, reading=reading, body=body, text=rest, is_text=is_text, offered=offered)


def _beside(text: str, offered: str | None) -> tuple[str | None, str]:
    """A text's secret, and the text without it."""
    secret, rest = take_named(text)
    if secret is not None:
        return secret, rest
    first, rest = take_first_line(text)
    if offered is not None:
        return None, rest if first == offered else text
    return first, rest


def read_alert(alert: Envelope, received_at: datetime) -> tuple[Instruction, ...]:
    """All of its instructions, or none: raise InvalidInput naming each field that is missing or not understood."""
    _refuse_placeholder(alert.body.decode(errors="replace"))
    reading = alert.reading
    if reading.problem is not None:
        refuse([FieldError(reading.field, reading.problem)])
    documents = [_Document(one, alert) for one in reading.documents]
    keys = apart([one.key for one in documents])
    several = len(documents) > 1
    return tuple(
        one.read(key, received_at, f"[{number}]." if several else "")
        for number, (one, key) in enumerate(zip(documents, keys, strict=True))
    )


def _refuse_placeholder(text: str) -> None:
    placeholder = _PLACEHOLDER.search(text)
    if placeholder is not None:
        problem = (
            f"{placeholder.group()} was not filled in by TradingView: strategy placeholders need an alert made from a "
            "strategy"
        )
        refuse([FieldError("body", problem)], "placeholder")


class _Document:
    """One of an alert's documents, on its way to an Instruction."""

    def __init__(self, document: Mapping[str, Any], alert: Envelope) -> None:
        self._document = document
        self._alert = alert
        self._fields = Fields(document, quoted=not alert.is_text)
        if not says_something(self._fields):
            self._look_into_text()

    def _look_into_text(self) -> None:
        carrier = self._fields.first(*_CARRIERS)
        if carrier is None or not isinstance(carrier.value, str):
            return
        carried = read_text(carrier.value.strip())
        if carried.problem is None and len(carried.documents) == 1:
            self._fields.look_into(carried.documents[0])

    @property
    def key(self) -> Key:
        return read_key(self._fields, self._alert.body)

    def read(self, key: Key, received_at: datetime, place: str) -> Instruction:
        problems = Problems(place)
        secret = secret_of(self._document)
        if secret is not None and secret != self._alert.secret:
            problems.add("secret", "it is not the one of the first instruction")
        text = {"text": self._alert.text} if self._alert.is_text else {}
        payload = without_secrets({**self._document, **text}, (self._alert.secret, self._alert.offered))
        return read_instruction(
            self._fields, Origin(key=key, payload=storable(payload), received_at=received_at), problems
        )
