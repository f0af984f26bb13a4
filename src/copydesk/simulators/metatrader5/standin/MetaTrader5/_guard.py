"""Whether this stand-in was meant: the one question before it may be imported, and the address it asks."""

import os
from importlib.metadata import PackageNotFoundError, version

ADDRESS_NAME = "METATRADER5_SIMULATOR_URL"
ADDRESS_DEFAULT = "http://127.0.0.1:8103"


def address() -> str:
    """Where the simulated broker listens; read at each ``initialize``."""
    return os.environ.get(ADDRESS_NAME, ADDRESS_DEFAULT)  # noqa: TID251  # runs inside strangers' scripts: no settings


def check_intended() -> None:
    """Raises ImportError where the real package is installed and nobody named the simulator's address."""
    try:
        found = version("MetaTrader5")
    except PackageNotFoundError:
        return
    if ADDRESS_NAME not in os.environ:  # noqa: TID251  # see above
        raise ImportError(
            f"this is copydesk's simulator of MetaTrader5, and the real package {found} is installed: take the simulator "
            f"off PYTHONPATH to use the real one, or set {ADDRESS_NAME} to say that the simulator is meant"
        )
