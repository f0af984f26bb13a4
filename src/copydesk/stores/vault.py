"""Secrets at rest: AES-256-GCM with a data key per secret, wrapped by a master key kept outside the database."""

import base64
import contextlib
import hmac
import os
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_NONCE_BYTES = 12
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + 16
"""Nonce, data key and GCM's 16-byte tag."""


class EnvelopeVault:
    """The Vault of ports/vault.py; different purposes get different keys derived from the one master key."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise ValueError(f"the master key must have {_KEY_BYTES} bytes, it has {len(master_key)}")
        self._master_key = master_key
        self._wrapping = AESGCM(self.derive("wrap exchange secrets"))
        self._fingerprinting = hmac.new(self.derive("fingerprint secrets"), digestmod="sha256")

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key of its own for a purpose; the same every time."""
        return HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose.encode()).derive(self._master_key)

    def seal(self, secret: str, *, context: str) -> str:
        data_key = os.urandom(_KEY_BYTES)
        sealed = _encrypt(self._wrapping, data_key, context) + _encrypt(AESGCM(data_key), secret.encode(), context)
        return base64.b64encode(sealed).decode()

    def unseal(self, sealed: str, *, context: str) -> str:
        try:
            raw = base64.b64decode(sealed, validate=True)
            data_key = _decrypt(self._wrapping, raw[:_WRAPPED_BYTES], context)
            return _decrypt(AESGCM(data_key), raw[_WRAPPED_BYTES:], context).decode()
        except InvalidTag as error:
            raise ValueError("a stored secret does not open: wrong master key, or it was altered") from error

    def fingerprint(self, secret: str) -> str:
        # Not hmac.digest: it lets go of the interpreter, and gets it back only once the thread that writes does so too.
        fingerprint = self._fingerprinting.copy()
        fingerprint.update(secret.encode())
        return fingerprint.hexdigest()


def read_master_key(path: Path) -> bytes:
    """The key in `path`; made there (mode 0600) by the first start."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make_master_key(path)
    return base64.b64decode(path.read_text(encoding="ascii"))


def _make_master_key(path: Path) -> None:
    """Whole or not at all: of two first starts at once, one makes it and both read the same."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.b64encode(os.urandom(_KEY_BYTES)).decode() + "\n")
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def _encrypt(cipher: AESGCM, plaintext: bytes, context: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plaintext, context.encode())


def _decrypt(cipher: AESGCM, sealed: bytes, context: str) -> bytes:
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
