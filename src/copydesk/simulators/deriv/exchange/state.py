"""Accounts and contracts kept in one JSON file across restarts; written whole, then put in place in one step."""

import os
from pathlib import Path

import msgspec

from copydesk.simulators.deriv.exchange.account import Account
from copydesk.simulators.deriv.exchange.contract import Contract
from copydesk.simulators.deriv.exchange.exchange import Exchange, Numbers


class StateFileError(ValueError):
    """The file was not written by this simulator; it is left as it is."""


class Stored(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    simulator: str
    numbers: Numbers
    accounts: list[Account]
    contracts: list[Contract]


_NAME = "deriv"
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Stored)


def save(exchange: Exchange, path: Path) -> None:
    """After a crash the file is the old one or the new one, never half of either."""
    stored = Stored(
        simulator=_NAME,
        numbers=exchange.numbers,
        accounts=list(exchange.accounts.values()),
        contracts=list(exchange.contracts.values()),
    )
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with fresh.open("wb") as file:
        file.write(_encoder.encode(stored))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load(exchange: Exchange, path: Path) -> None:
    """Nothing to do when the file does not exist yet. Raises StateFileError on a foreign or damaged file."""
    if not path.exists():
        return
    try:
        stored = _decoder.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise StateFileError(f"{path}: not a state file of this simulator ({error})") from None
    if stored.simulator != _NAME:
        raise StateFileError(f"{path}: a state file of another simulator ({stored.simulator})")
    exchange.numbers = stored.numbers
    exchange.accounts.update({each.token: each for each in stored.accounts})
    for contract in stored.contracts:
        exchange.adopt(contract)
