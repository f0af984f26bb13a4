"""`copydesk simulate deriv`: what a person mistypes stops it with a line that names the mistake."""

import pytest
from typer.testing import CliRunner

from copydesk.cli import app


def simulate(*options):
    return CliRunner().invoke(app, ["simulate", "deriv", *options])


@pytest.mark.parametrize("margin", ["much", "-0.01", "0.5", "nan"])
def test_a_margin_that_is_none_is_refused(margin):
    done = simulate("--margin", margin)

    assert done.exit_code == 2
    assert "--margin" in done.output


def test_a_candle_file_that_is_none_is_named(tmp_path):
    file = tmp_path / "r_100.csv"
    file.write_text("ts_ms,open,high,low,close,volume\n0,1,1,1\n")

    done = simulate("--prices", str(file), "--port", "0")

    assert done.exit_code == 1
    assert "r_100.csv" in done.output.replace("\n", "")


def test_a_foreign_state_file_is_named(tmp_path):
    file = tmp_path / "state.json"
    file.write_text("{}")

    done = simulate("--state", str(file), "--port", "0")

    assert done.exit_code == 1
    assert "not a state file" in " ".join(done.output.split())
