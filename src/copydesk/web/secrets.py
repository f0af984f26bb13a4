"""The secret of a bot: one that alerts carry, or one that senders sign with, by the bot's source."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from copydesk.domain.bot import Bot
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.ids import BotId
from copydesk.domain.signal import SourceKind
from copydesk.domain.signing import V1_PREFIX, V1_SECRET_BYTES
from copydesk.web.hub import Hub

SECRET_BYTES = 32

SIGNED_SOURCES = frozenset({SourceKind.REST, SourceKind.MASTER})
"""Whose signals are signed: their secret is needed to verify, so it is kept sealed, not only as a fingerprint."""

_PLACEHOLDERS = re.compile(
    r"change[-_ ]?(me|in)|your[-_ ]?secret|demo[-_ ]?secret|secret[-_ ]?here|example|placeholder", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSecret:
    """What is stored of a secret, and `shown`: the one answer that holds it."""

    fingerprint: str
    sealed: str | None
    shown: Mapping[str, str]


def new_secret(hub: Hub, bot: Bot, wish: str | None) -> BotSecret:
    """Raise InvalidInput for a wish that is a placeholder, or for a bot whose secret is made by the server alone."""
    if bot.source not in SIGNED_SOURCES:
        secret = secrets.token_urlsafe(SECRET_BYTES) if wish is None else _chosen(wish)
        return BotSecret(fingerprint=hub.vault.fingerprint(secret), sealed=None, shown={"master_secret": secret})
    if wish is not None:
        problem = f"a bot of source {bot.source} is signed with a secret that the server makes: leave it out"
        raise InvalidInput(f"master_secret: {problem}", (FieldError("master_secret", problem),))
    secret = V1_PREFIX + base64.b64encode(secrets.token_bytes(V1_SECRET_BYTES)).decode()
    return BotSecret(
        fingerprint=hub.vault.fingerprint(secret),
        sealed=hub.vault.seal(secret, context=signing_context(bot.id)),
        shown={"signing_secret": secret},
    )


def signing_context(bot_id: BotId) -> str:
    """What a sealed secret is bound to: moved to another bot, it does not open."""
    return f"bots/{bot_id}/signing"


def _chosen(secret: str) -> str:
    if _PLACEHOLDERS.search(secret):
        problem = "this is a placeholder: leave it out and the server makes one"
        raise InvalidInput(f"master_secret: {problem}", (FieldError("master_secret", problem),))
    return secret
