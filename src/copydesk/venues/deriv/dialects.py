"""The two generations of Deriv's API: the same requests, with other names, another way in, and numbers that may be texts. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct


class Identity(Struct, frozen=True, kw_only=True):
    """Who is signed in; `is_virtual` and `scopes` are None where the API does not tell."""

    login: str
    currency: str
    balance: Decimal
    is_virtual: bool | None
    scopes: tuple[str, ...] | None


class Dialect(Protocol):
    """`symbol` and `pip`: what a symbol's name and its smallest step are called; `path`: where its public face is."""

    symbol: str
    pip: str

    def path(self, app_id: str) -> str: ...

    def introduction(self, token: str) -> dict[str, Any]:
        """The first request of an account's connection, whose answer says who is signed in."""
        ...

    def read_identity(self, answer: Mapping[str, Any]) -> Identity:
        """Raise what reading an odd answer raises."""
        ...


class LegacyV3:
    """The token is told in the connection."""

    symbol = "symbol"
    pip = "pip"

    def path(self, app_id: str) -> str:
        return f"/websockets/v3?app_id={app_id}&l=EN"

    def introduction(self, token: str) -> dict[str, Any]:
        return {"authorize": token}

    def read_identity(self, answer: Mapping[str, Any]) -> Identity:
        told = answer["authorize"]
        return Identity(
            login=str(told["loginid"]),
            currency=str(told["currency"]),
            balance=Decimal(str(told["balance"])),
            is_virtual=bool(int(told["is_virtual"])),
            scopes=tuple(str(one) for one in told["scopes"]),
        )


class NewOptions:
    """A one-time password is asked for over REST, and the address that it makes is signed in already."""

    symbol = "underlying_symbol"
    pip = "pip_size"

    def path(self, app_id: str) -> str:
        del app_id  # the public face asks for none
        return "/trading/v1/options/ws/public"

    def introduction(self, token: str) -> dict[str, Any]:
        del token  # it has opened the connection
        return {"balance": 1}

    def read_identity(self, answer: Mapping[str, Any]) -> Identity:
        told = answer["balance"]
        return Identity(
            login=str(told["loginid"]),
            currency=str(told["currency"]),
            balance=Decimal(str(told["balance"])),
            is_virtual=None,
            scopes=None,
        )


LEGACY = LegacyV3()
OPTIONS = NewOptions()
