"""Where secrets rest: sealed with authenticated encryption, bound to their owner and field."""

from typing import Protocol


class Vault(Protocol):
    """`context` names owner and field; a sealed text opens under the same context only."""

    def seal(self, secret: str, *, context: str) -> str: ...

    def unseal(self, sealed: str, *, context: str) -> str:
        """Raise ValueError where the text was altered, or sealed under another context or key."""
        ...

    def fingerprint(self, secret: str) -> str:
        """A keyed hash: equal secrets, equal fingerprints, and no way back."""
        ...
