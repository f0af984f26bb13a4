"""The stand-in against the facts read out of the wheel 5.0.6231: names, numbers, fields, calling conventions, errors."""

import json
import os
import pickle
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from mt5_simulator_support import MASTER, market

HERE = Path(__file__).parent
SURFACE = json.loads((HERE / "mt5_surface.json").read_text(encoding="utf-8"))
CONSTANTS = json.loads((HERE / "mt5_constants.json").read_text(encoding="utf-8"))["constants"]
STRUCTS = SURFACE["struct_sequences"]
FUNCTIONS = {name: each["calling"] for name, each in SURFACE["functions"].items() if name != "_asdict"}
TAKES = {
    "copy_rates_from": ("EURUSD", 1, 0, 1),
    "copy_rates_from_pos": ("EURUSD", 1, 0, 1),
    "copy_rates_range": ("EURUSD", 1, 0, 1),
    "copy_ticks_from": ("EURUSD", 0, 1, -1),
    "copy_ticks_range": ("EURUSD", 0, 1, -1),
    "history_orders_total": (0, 1),
    "history_deals_total": (0, 1),
    "order_calc_margin": (0, "EURUSD", 1.0, 1.0),
    "order_calc_profit": (0, "EURUSD", 1.0, 1.0, 1.1),
    "order_check": ({"action": 1},),
    "order_send": ({"action": 1},),
    "symbol_info": ("EURUSD",),
    "symbol_info_tick": ("EURUSD",),
    "symbol_select": ("EURUSD",),
    "market_book_add": ("EURUSD",),
    "market_book_get": ("EURUSD",),
    "market_book_release": ("EURUSD",),
    "login": (1001,),
    "history_orders_get": (0, 1),
    "history_deals_get": (0, 1),
}
FALSE_ON_FAILURE = {"login", "symbol_select", "market_book_add", "market_book_release"}


def test_the_223_constants_are_the_real_ones(package):
    found = {name: getattr(package, name) for name in CONSTANTS}

    assert found == CONSTANTS
    assert len(CONSTANTS) == 223


def test_the_public_names_are_exactly_those_of_the_package(package):
    public = {name for name in vars(package) if not name.startswith("_")}

    assert public == {*CONSTANTS, *FUNCTIONS, *STRUCTS, "Buy", "Sell", "Close"}
    assert len(FUNCTIONS) == 32
    assert package.__version__ == "5.0.6231"
    assert package._RawOrder


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_is_a_tuple_with_the_fields_in_order(package, name):
    kind, fields = getattr(package, name), STRUCTS[name]

    made = kind(range(len(fields)))

    assert isinstance(made, tuple)
    assert kind.__match_args__ == tuple(fields)
    assert [getattr(made, field) for field in fields] == list(made) == list(range(len(fields)))
    assert made._asdict() == dict(zip(fields, range(len(fields)), strict=True))
    assert repr(made).startswith(f"{name}({fields[0]}=0, {fields[1]}=1")
    assert (kind.n_fields, kind.n_sequence_fields) == (len(fields), len(fields))
    assert not any(hasattr(made, missing) for missing in ("_fields", "_replace", "_make", "__dict__"))


def test_a_struct_takes_one_sequence_of_the_right_length(package):
    with pytest.raises(TypeError, match="8-sequence"):
        package.Tick((1, 2))
    with pytest.raises(TypeError):
        package.Tick(1, 2, 3, 4, 5, 6, 7, 8)
    with pytest.raises(AttributeError):
        package.Tick(range(8)).bid = 1


def test_structs_survive_a_trip_to_another_process(package):
    tick = package.Tick(range(8))

    assert pickle.loads(pickle.dumps(tick)) == tick


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in {"initialize", "shutdown", "last_error"}])
def test_every_call_before_initialize_fails_without_connection(package, name):
    answer = getattr(package, name)(*TAKES.get(name, ()))

    assert answer is (False if name in FALSE_ON_FAILURE else None)
    assert package.last_error() == (-10004, "No IPC connection")


@pytest.mark.parametrize("name", [name for name, calling in FUNCTIONS.items() if calling == "METH_NOARGS"])
def test_a_function_without_arguments_takes_none(mt5, name):
    with pytest.raises(TypeError):
        getattr(mt5, name)(1)


@pytest.mark.parametrize("name", [name for name, calling in FUNCTIONS.items() if "positional only" in calling])
def test_a_positional_function_takes_no_keywords_and_the_right_number(mt5, name):
    with pytest.raises(TypeError):
        getattr(mt5, name)(symbol="EURUSD")

    assert getattr(mt5, name)() is (False if name in FALSE_ON_FAILURE else None)
    assert mt5.last_error() == (-2, "Invalid number of arguments")


@pytest.mark.parametrize("name", ["positions_get", "orders_get"])
def test_positions_and_orders_take_keywords_only(mt5, name):
    assert getattr(mt5, name)("EURUSD") is None
    assert mt5.last_error() == (-2, "Unnamed arguments not allowed")
    assert getattr(mt5, name)(symbol=5) is None
    assert mt5.last_error() == (-2, 'Invalid "symbol" argument')
    assert getattr(mt5, name)(symbol="NOSUCH") == ()
    assert mt5.last_error() == (1, "Success")


@pytest.mark.parametrize("name", ["history_deals_get", "history_orders_get"])
def test_history_without_usable_arguments_fails(mt5, name):
    ask = getattr(mt5, name)

    assert ask() is None
    assert mt5.last_error() == (-2, "Invalid arguments")
    assert ask(0) is None
    assert ask(0, 1, ticket=5) is None
    assert ask("yesterday", 1) is None
    assert ask(float("nan"), 1) is None
    assert mt5.last_error() == (-2, "Invalid 1st unnamed argument")
    assert ask(0, 2_000_000_000, group="*") is not None
    assert ask(datetime(2020, 1, 1), datetime(2030, 1, 1)) is not None  # noqa: DTZ001  # naive ones are local time


def test_shutdown_is_always_true_and_ends_the_connection(mt5):
    assert mt5.shutdown() is True
    assert mt5.shutdown() is True
    assert mt5.positions_get() is None
    assert mt5.last_error() == (-10004, "No IPC connection")


def test_initialize_without_a_simulator_says_that_no_terminal_was_found(package, monkeypatch):
    monkeypatch.setenv("METATRADER5_SIMULATOR_URL", "http://127.0.0.1:9")

    assert package.initialize() is False
    assert package.last_error() == (-10003, "IPC initialize failed, MetaTrader 5 x64 not found")


def test_initialize_refuses_what_the_c_layer_refuses(mt5):
    for given, text in (
        ({"login": "1001"}, 'Invalid "login" argument'),
        ({"password": 5}, 'Invalid "password" argument'),
        ({"path": "x" * 258}, 'Invalid "path" argument'),
    ):
        assert mt5.initialize(**given) is False
        assert mt5.last_error() == (-2, text)
    assert mt5.initialize(MASTER, 1001) is False
    assert mt5.last_error() == (-2, "Invalid number of arguments")


def test_a_symbol_of_thirty_characters_is_no_argument(mt5):
    assert mt5.symbol_info("x" * 30) is None
    assert mt5.last_error() == (-2, 'Invalid "symbol" argument')
    assert mt5.symbol_info("x" * 29) is None
    assert mt5.last_error() == (-4, "Terminal: Not found")


WRONG = [
    ("action", "1"),
    ("action", 2**32),
    ("type", None),
    ("type_filling", 1.0),
    ("magic", -1),
    ("magic", np.int64(7)),
    ("position", 2**64),
    ("expiration", datetime(2030, 1, 1)),  # noqa: DTZ001  # what scripts send by mistake
    ("volume", 1),
    ("volume", None),
    ("sl", 0),
    ("price", "1.1"),
    ("comment", "x" * 30),
    ("comment", None),
    ("symbol", b"EURUSD"),
]


@pytest.mark.parametrize(("key", "value"), WRONG, ids=lambda value: repr(value)[:30])
def test_a_request_value_of_the_wrong_type_is_refused_by_name(mt5, key, value):
    good = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}

    assert mt5.order_send(good | {key: value}) is None
    assert mt5.last_error() == (-2, f'Invalid "{key}" argument')
    assert mt5.order_check(good | {key: value}) is None
    assert mt5.positions_get() == ()


def test_a_request_is_one_dictionary_or_keywords_and_unknown_keys_are_ignored(mt5):
    good = {"action": 1, "symbol": "EURUSD", "volume": np.float64(0.1), "type": 0, "type_filling": 1}

    assert mt5.order_send(**good).retcode == mt5.TRADE_RETCODE_DONE
    done = mt5.order_send(good | {"unheard": object()})
    assert done.retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.order_send(done.request) is None
    assert mt5.last_error() == (-2, "Invalid arguments")
    assert mt5.order_send(good, good) is None
    assert mt5.order_send() is None


def test_the_request_comes_back_nested_with_zeros_for_what_was_left_out(mt5):
    done = market(mt5, mt5.ORDER_TYPE_BUY, comment="tag")

    assert isinstance(done, mt5.OrderSendResult)
    assert isinstance(done.request, mt5.TradeRequest)
    assert done._asdict()["request"] is done.request
    assert (done.request.symbol, done.request.volume, done.request.comment) == ("EURUSD", 0.1, "tag")
    assert (done.request.magic, done.request.sl, done.request.position) == (0, 0.0, 0)


@pytest.mark.parametrize("wanted", ["rates", "ticks"])
def test_arrays_have_the_binary_layout_of_sixty_bytes(mt5, broker, wanted):
    broker.pass_time(seconds=3)
    found = mt5.copy_rates_from_pos("EURUSD", 1, 0, 3) if wanted == "rates" else mt5.copy_ticks_from("EURUSD", 0, 3, -1)

    layout = SURFACE[f"{wanted}_dtype"]
    assert list(found.dtype.names) == layout["names"]
    assert [found.dtype.fields[name][0].str for name in layout["names"]] == layout["formats"]
    assert [found.dtype.fields[name][1] for name in layout["names"]] == layout["offsets"]
    assert found.dtype.itemsize == layout["itemsize"]


def test_only_arrays_need_numpy_and_say_so(mt5, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(ImportError, match="pip install numpy"):
        mt5.copy_rates_from_pos("EURUSD", 1, 0, 1)
    assert mt5.symbol_info("EURUSD").bid == 1.085


def test_every_field_has_the_type_of_the_real_one(mt5):
    """bool, int, float or str, as their names tell on the real terminal."""
    for info, texts in (
        (mt5.account_info(), {"name", "server", "currency", "company"}),
        (mt5.terminal_info(), {"company", "name", "language", "path", "data_path", "commondata_path"}),
    ):
        found = info._asdict()
        assert {name for name, value in found.items() if isinstance(value, str)} == texts
    symbol = mt5.symbol_info("EURUSD")
    assert len(symbol) == 96
    assert isinstance(symbol.volume_min, float)
    assert isinstance(symbol.digits, int)
    assert symbol.select is True
    assert mt5.version()[0] == 500
    assert mt5.version()[1] == mt5.terminal_info().build >= 5000


def test_the_real_package_is_never_shadowed_by_accident(tmp_path, package, monkeypatch):
    real = tmp_path / "metatrader5-5.0.6231.dist-info"
    real.mkdir()
    (real / "METADATA").write_text("Metadata-Version: 2.1\nName: MetaTrader5\nVersion: 5.0.6231\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("METATRADER5_SIMULATOR_URL", raising=False)
    guard = package._guard

    with pytest.raises(ImportError, match=r"the real package 5\.0\.6231 is installed"):
        guard.check_intended()
    monkeypatch.setitem(os.environ, guard.ADDRESS_NAME, "http://127.0.0.1:8103")
    guard.check_intended()
