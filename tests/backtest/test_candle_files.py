"""Files of candles: what cannot be used is refused by its line and its field; gaps are told of."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_support import drawn_candles, write_candles
from copydesk.domain.errors import InvalidInput
from copydesk.stores.candle_files import read_candle_file
from store_support import PROPERTY

HEAD = "ts_ms,open,high,low,close,volume\n"
GOOD = ["0,10,12,9,11,1", "60000,11,12,10,12,1", "120000,12,13,11,12,1"]


def read(folder, *rows, head=HEAD):
    file = folder / "candles.csv"
    file.write_text(head + "\n".join(rows) + "\n")
    return read_candle_file(file)


def test_good_rows_are_read_exactly_with_or_without_a_header(tmp_path):
    with_header, without = read(tmp_path, *GOOD), read(tmp_path, *GOOD, head="")

    assert with_header.candles == without.candles
    assert with_header.candles[0].low == Decimal(9)
    assert with_header.interval_ms == 60_000
    assert not with_header.gaps


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("180000,nan,13,11,12,1", "line 5, open: 'nan' is not a number"),
        ("180000,12,inf,11,12,1", "line 5, high: 'inf' is not a number"),
        ("180000,12,13,,12,1", "line 5, low: '' is not a number"),
        ("180000,12,10,11,12,1", "line 5, high: 10 is below open, 12"),
        ("180000,12,13,14,13,1", "line 5, low: 14 is above open, 12"),
        ("180000,12,13,11,14,1", "line 5, high: 13 is below close, 14"),
        ("180000,0,13,0,12,1", "line 5, open: 0 is not above 0"),
        ("180000,12,13,11,12,-1", "line 5, volume: -1 is below 0"),
        ("180000,12,13,11,12", "line 5, volume: missing"),
        ("120000,12,13,11,12,1", "line 5, ts_ms: 120000 is the same as in the row before"),
        ("1000,12,13,11,12,1", "line 5, ts_ms: 1000 is earlier than in the row before; rows must be sorted"),
        ("150000,12,13,11,12,1", "line 5, ts_ms: 30000 ms after the row before, where most are 60000 ms apart"),
        ("180000.5,12,13,11,12,1", "line 5, ts_ms: 180000.5 is no whole number"),
        ("2022-01-01,12,13,11,12,1", "line 5, ts_ms: '2022-01-01' is not a number"),
    ],
)
def test_a_bad_row_is_refused_by_its_line_and_its_field(tmp_path, row, words):
    with pytest.raises(InvalidInput, match=words):
        read(tmp_path, *GOOD, row)


def test_other_columns_and_too_few_rows_and_no_file_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"line 1: the columns are ts_ms,close; wanted are ts_ms,open"):
        read(tmp_path, *GOOD, head="ts_ms,close\n")
    with pytest.raises(InvalidInput, match="1 candles; a backtest needs at least 2"):
        read(tmp_path, GOOD[0])
    with pytest.raises(InvalidInput, match="No such file"):
        read_candle_file(tmp_path / "none.csv")


def test_gaps_are_told_of_with_what_is_missing(tmp_path):
    found = read(tmp_path, *GOOD, "300000,12,13,11,12,1", "360000,12,13,11,12,1")

    assert [(gap.after_ms, gap.missing) for gap in found.gaps] == [(120_000, 2)]


@given(drawn_candles(2, 8), st.integers(0, 7), st.integers(1, 4), st.sampled_from(["", "x", "NaN", "1e", "--1"]))
@PROPERTY
def test_no_cell_that_is_no_number_ever_gets_in(tmp_path_factory, candles, at, column, text):
    file = write_candles(tmp_path_factory.mktemp("drawn") / "candles.csv", candles)
    lines = file.read_text().splitlines()
    row = lines[1 + at % len(candles)].split(",")
    row[column] = text
    lines[1 + at % len(candles)] = ",".join(row)
    file.write_text("\n".join(lines))

    with pytest.raises(InvalidInput, match=f"line {2 + at % len(candles)}, "):
        read_candle_file(file)
