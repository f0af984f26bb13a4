"""Somebody's own strategy file: ten lines are enough, and what is wrong with one is said in a sentence."""

import ast
import textwrap
from pathlib import Path

import pytest

from backtest_support import played, seeded_candles
from copydesk.domain.errors import InvalidInput
from copydesk.wiring.strategies import StrategyMaker

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "my_strategy.py"


def written(folder, text):
    file = folder / "mine.py"
    file.write_text(textwrap.dedent(text))
    return StrategyMaker(str(file))


def test_the_example_has_ten_lines_and_trades():
    lines = [line for line in EXAMPLE.read_text().splitlines() if line.strip()]

    trades, noted = played(StrategyMaker(str(EXAMPLE))({}), seeded_candles(1_000))

    assert len(lines) == 10
    assert len(trades) > 5
    assert {"short", "long"} == set(noted[-1][1].numbers)
    assert ast.parse(EXAMPLE.read_text())


def test_settings_of_a_file_are_set_and_keep_the_kind_of_their_defaults():
    found = StrategyMaker(str(EXAMPLE))({"short": "5", "stop_loss": "1.5"})

    assert found.settings == {"short": 5, "stop_loss": 1.5}


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        ("HISTORY = 3", {}, r"there is no function decide; write one: def decide\(view\)"),
        ("def decide(): ...", {}, "decide takes 0 arguments"),
        ("HISTORY = 0\ndef decide(view): ...", {}, "HISTORY is 0; wanted is a whole number"),
        ("SETTINGS = [1]\ndef decide(view): ...", {}, "SETTINGS must be names"),
        ("SETTINGS = {'fast': 3}\ndef decide(view): ...", {"slow": "3"}, "has no such setting; it has fast"),
        ("SETTINGS = {'fast': 3}\ndef decide(view): ...", {"fast": "x"}, "'x' is not like its default, 3"),
        ("def decide(view)", {}, "expected ':'"),
        ("import a_module_that_is_not_there", {}, "No module named"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_sentence(tmp_path, text, given, words):
    with pytest.raises(InvalidInput, match=words):
        written(tmp_path, text)(given)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 'buy'", "decide answered with str; wanted is what view.open_long"),
        ("return view.open_long('up', stop_loss_pct='much')", "a percentage above 0 and below 100, not 'much'"),
        ("return view.remembering({'seen': {1, 2}}).hold('none')", "the state cannot be kept"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_with_a_sentence(tmp_path, body, words):
    strategy = written(tmp_path, f"def decide(view):\n    {body}")({})

    with pytest.raises(InvalidInput, match=words):
        played(strategy, seeded_candles(5))


def test_a_file_may_keep_a_state_between_candles(tmp_path):
    counting = written(
        tmp_path,
        """
        def decide(view):
            count = view.state.get("count", 0) + 1
            return view.remembering({"count": count}).hold("counting", count=count)
        """,
    )({})

    _, noted = played(counting, seeded_candles(30))

    assert [decision.numbers["count"] for _, decision in noted] == list(range(1, 30))


def test_a_file_may_buy_contracts_and_is_told_of_each(tmp_path):
    betting = written(
        tmp_path,
        """
        from decimal import Decimal
        from copydesk.ports.strategy import BuyContract, Decision, Hold, Right

        def decide(view):
            count = view.state.get("count", 0) + 1
            wish = BuyContract(number=str(count), right=Right.CALL, stake=Decimal(1), duration_s=120)
            return Decision(intention=wish, reason="always", state={"count": count, "ends": view.state.get("ends", 0)})

        def settle(view, settlement):
            state = {**view.state, "ends": view.state["ends"] + 1}
            return Decision(intention=Hold(), reason=settlement.outcome, numbers={"ends": state["ends"]}, state=state)
        """,
    )({})

    trades, noted = played(betting, seeded_candles(30))

    assert [one.closed_index - one.opened_index for one in trades] == [1] * len(trades)
    assert [decision.numbers["ends"] for _, decision in noted if decision.numbers] == list(range(1, len(trades) + 1))


@pytest.mark.parametrize(("name", "words"), [("rsy", "there is no strategy rsy"), ("./no.py", "there is no such file")])
def test_a_strategy_that_there_is_not_is_named_with_those_that_there_are(name, words):
    with pytest.raises(InvalidInput, match=words):
        StrategyMaker(name)
