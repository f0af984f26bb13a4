"""A broker per test, and the stand-in imported as a script would import the real package."""

import importlib
import sys

import pytest
from mt5_simulator_support import FOLLOWER, MASTER, NETTING, running_broker

from copydesk.simulators.metatrader5 import STANDIN_FOLDER


@pytest.fixture
def start_broker():
    return running_broker


@pytest.fixture
def broker():
    """EURUSD held at 1.08500 / 1.08501."""
    with running_broker() as running:
        running.hold("EURUSD", "1.08500")
        yield running


@pytest.fixture
def package(monkeypatch):
    """Freshly imported and not connected; gone from sys.modules afterwards."""
    monkeypatch.syspath_prepend(str(STANDIN_FOLDER))
    module = importlib.import_module("MetaTrader5")
    yield module
    module.shutdown()
    for name in [name for name in sys.modules if name.partition(".")[0] == "MetaTrader5"]:
        del sys.modules[name]


@pytest.fixture
def mt5(package, broker, monkeypatch):
    """Connected to the hedging master 1001."""
    monkeypatch.setenv("METATRADER5_SIMULATOR_URL", broker.url)
    assert package.initialize(MASTER)
    return package


@pytest.fixture
def netting(mt5):
    """Connected to the netting account 1003."""
    assert mt5.initialize(NETTING)
    return mt5


@pytest.fixture
def follower(mt5):
    """Connected to the hedging follower 1002."""
    assert mt5.initialize(FOLLOWER)
    return mt5
