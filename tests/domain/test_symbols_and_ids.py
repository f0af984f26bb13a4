"""One symbol out of its many spellings, and ids that sort by time and fit every venue."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.ids import client_order_id, new_id
from copydesk.domain.instrument import canonical_symbol
from store_support import NOW, PROPERTY

VENUES_RULE = re.compile(r"^[.A-Z:/a-z0-9_-]{1,36}$")


@pytest.mark.parametrize(
    "spelling",
    [
        "BTCUSDT",
        "btcusdt",
        " BTCUSDT \n",
        "BINANCE:BTCUSDT",
        "BINANCE:BTCUSDT.P",
        "binance:btcusdt.p",
        "BINANCE_DL:BTCUSDT.P",
        "BTCUSDT.P",
        "BTCUSDTPERP",
        "BTCUSDT-PERP",
        "BTCUSDT_PERP",
        "BTCUSDT.PERP",
        "BTC/USDT",
        "BTC/USDT:USDT",
        "BYBIT:BTC/USDT:USDT",
        "BTC-USDT",
        "BTC_USDT",
        "btc-usdt",
        "BTC-USDT-SWAP",
        "OKX:BTC-USDT-SWAP",
    ],
)
def test_every_spelling_of_a_symbol_is_one_symbol(spelling):
    assert canonical_symbol(spelling) == "BTCUSDT"


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [
        ("1000PEPEUSDT.P", "1000PEPEUSDT"),
        ("ETH-PERP", "ETHUSDT"),
        ("EURUSD", "EURUSD"),
        ("PERPUSDT", "PERPUSDT"),
        ("BTCUSD.P", "BTCUSD"),
        ("BTCUSD_PERP", "BTCUSD"),
        ("R_100", "R_100"),
        ("deriv:r_10", "R_10"),
        ("1HZ100V", "1HZ100V"),
        ("R_PERP", "RUSDT"),
    ],
)
def test_what_only_looks_like_a_suffix_stays(spelling, symbol):
    assert canonical_symbol(spelling) == symbol


@pytest.mark.parametrize(
    "text",
    ["", " ", "B", "BTC USDT", "BTCUSDT!", "{{ticker}}", "BTC/USDT:USDT-261225", "BINANCE:", ":", "₿USDT", "A" * 31],
)
def test_what_cannot_be_a_symbol_is_none(text):
    assert canonical_symbol(text) is None


def test_a_settle_suffix_without_a_slash_does_not_become_the_symbol():
    assert canonical_symbol("BTCUSDT:USDT") in {"BTCUSDT", None}


@PROPERTY
@given(st.text())
def test_any_text_is_a_plain_symbol_or_none_and_stays_so(text):
    symbol = canonical_symbol(text)

    if symbol is not None:
        assert re.fullmatch("[A-Z0-9]{2,30}", symbol)


@PROPERTY
@given(
    first=st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  aware by `timezones`
    later_ms=st.integers(min_value=1, max_value=10**12),
)
def test_ids_sort_by_the_time_they_were_made(first, later_ms):
    earlier, later = new_id(first), new_id(first + timedelta(milliseconds=later_ms))

    assert earlier < later
    assert re.fullmatch("[0-9abcdefghjkmnpqrstvwxyz]{26}", earlier)


def test_ids_of_one_moment_are_different():
    assert len({new_id(NOW) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("attempt", [1, 2, 99])
def test_a_client_order_id_fits_the_venues_rule_and_names_the_attempt(attempt):
    execution_id = new_id(NOW)

    made = client_order_id(execution_id, attempt)

    assert VENUES_RULE.match(made)
    assert len(made) <= 36
    assert made.startswith(f"cd-{execution_id}")
    assert made.endswith(execution_id) is (attempt == 1)


def test_a_first_client_order_id_fits_a_comment_of_29_characters():
    assert len(client_order_id(new_id(NOW), 1)) == 29


def test_attempts_have_different_client_order_ids():
    execution_id = new_id(NOW)

    assert len({client_order_id(execution_id, attempt) for attempt in (1, 2, 3)}) == 3


def test_ids_that_many_threads_make_at_once_are_all_different():
    with ThreadPoolExecutor(8) as threads:
        made = [one for some in threads.map(lambda _: [new_id(NOW) for _ in range(1_000)], range(16)) for one in some]

    assert len(set(made)) == len(made) == 16_000
    assert len({one[-11:] for one in made}) == len(made)  # the random part alone, too


FORKED = """
import os
from datetime import UTC, datetime
from copydesk.domain.ids import new_id
new_id(datetime.now(UTC))
child = os.fork()
os.write(1, f"{new_id(datetime.now(UTC))}\\n".encode())
if child:
    os.waitpid(child, 0)
"""


def test_a_forked_child_draws_random_numbers_of_its_own():
    told = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True).stdout.split()

    assert len(told) == 2
    assert told[0][-11:] != told[1][-11:]
