"""An alert: opened without believing anything in it, and read once its sender has proved who they are."""

import re
from codecs import BOM_UTF8
from datetime import datetime

from msgspec import Struct

from copydesk.domain.errors import FieldError
from copydesk.domain.signal import Instruction
from copydesk.sources.tradingview.families import read_any, read_text
from copydesk.sources.tradingview.fields import Fields
from copydesk.sources.tradingview.instruction import Origin, read_instruction, says_something
from copydesk.sources.tradingview.json_shapes import Reading, looks_like_json, read_loose_json
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


class Envelope(Struct, frozen=True, kw_only=True):
    """An alert before anything in it is believed: the secret it shows, and what it seems to say.

    `text` is the body without a secret that stood beside the message; `offered` came beside the body.
    """

    body: bytes
    reading: Reading
    secret: str | None = None
    documents: tuple[Fields, ...] = ()
    text: str = ""
    is_text: bool = False
    offered: str | None = None


def open_alert(body: bytes, offered: str | None = None) -> Envelope:
    """Never raises: whether the sender may speak is decided before what they say.

    The first line of a text counts as its secret only where none was `offered` and none is named in it.
    """
    try:
        text = (
            body.removeprefix(BOM_UTF8)
            .decode()
            .replace("\0", "\N{REPLACEMENT CHARACTER}")
            .replace("\r\n", "\n")
            .strip()
        )
    except UnicodeDecodeError:
        return Envelope(body=body, reading=Reading(problem="it is no UTF-8 text"))
    beside, rest = (None, text) if looks_like_json(text) else _beside(text, offered)
    reading, is_text = read_any(rest)
    documents = _documents(reading, is_text=is_text)
    within = secret_in_ruins(rest) if not documents else next(filter(None, map(secret_of, documents)), None)
    return Envelope(
        body=body,
        reading=reading,
        secret=beside if beside is not None else within,
        documents=documents,
        text=rest,
        is_text=is_text,
        offered=offered,
    )


def _documents(reading: Reading, *, is_text: bool) -> tuple[Fields, ...]:
    return tuple(_with_carried_text(Fields(one, quoted=not is_text)) for one in reading.documents)


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
    if b"{{" in alert.body:
        _refuse_placeholder(alert.body.decode(errors="replace"))
    reading = read_loose_json(alert.text) if alert.reading.is_loose else alert.reading
    if reading.problem is not None:
        refuse([FieldError(reading.field, reading.problem)])
    documents = _documents(reading, is_text=False) if alert.reading.is_loose else alert.documents
    keys = apart([read_key(one, alert.body) for one in documents])
    several = len(keys) > 1
    return tuple(
        _read(one, alert, Problems(f"[{number}]." if several else ""), key, received_at)
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


def _with_carried_text(fields: Fields) -> Fields:
    """A document that says nothing itself may carry a text that does."""
    carrier = None if says_something(fields) else fields.first(*_CARRIERS)
    if carrier is not None and isinstance(carrier.value, str):
        carried = read_text(carrier.value.strip())
        if carried.problem is None and len(carried.documents) == 1:
            fields.look_into(carried.documents[0])
    return fields


def _read(fields: Fields, alert: Envelope, problems: Problems, key: Key, received_at: datetime) -> Instruction:
    secret = secret_of(fields)
    if secret is not None and secret != alert.secret:
        problems.add("secret", "it is not the one that the alert began with")
    text = {"text": alert.text} if alert.is_text else {}
    payload = without_secrets(fields, text, (alert.secret, alert.offered))
    return read_instruction(fields, Origin(key=key, payload=payload, received_at=received_at), problems)
