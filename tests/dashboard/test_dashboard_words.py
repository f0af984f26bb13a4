"""The catalogue: every key in both languages, with the same values in it, and every key that pages ask for."""

import ast
import re
from decimal import Decimal
from pathlib import Path

import pytest

import copydesk.dashboard
from copydesk.dashboard.speech import Language, Speech, catalogue
from copydesk.dashboard.telling import tone_of

CODE = Path(copydesk.dashboard.__file__).parent
VALUES = re.compile(r"{(\w+)}")
START = re.compile(r"[a-z_]+\.[a-z_]*")
WHOLE = {"grid", "lost"}
"""Subjects that are handed on as a whole."""


def texts(entry):
    return [entry] if isinstance(entry, str) else list(entry.values())


def texts_in_code():
    """Every text in the pages' code, and what every text that is put together at run time starts with."""
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, False
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                yield node.values[0].value, True


def subjects_asked_by_word():
    code = "".join(file.read_text(encoding="utf-8") for file in CODE.rglob("*.py"))
    return set(re.findall(r"word\(['\"](\w+)['\"]", code))


def asked():
    """The keys that `say(…)` is called with."""
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"say", "_say"} and node.args:
                keys = node.args[0]
                for one in (keys.body, keys.orelse) if isinstance(keys, ast.IfExp) else (keys,):
                    if isinstance(one, ast.Constant):
                        yield one.value


@pytest.mark.parametrize("key", catalogue())
def test_every_key_has_both_languages_with_the_same_values_in_them(key):
    entry = catalogue()[key]

    assert entry.keys() == {language.key for language in Language}
    assert all(text.strip() for language in entry.values() for text in texts(language))
    assert len({frozenset(VALUES.findall(text)) for language in entry.values() for text in texts(language)}) == 1


def test_every_key_that_a_page_asks_for_is_in_the_catalogue():
    assert set(asked()) - catalogue().keys() == set()


def test_no_key_of_the_catalogue_is_left_over_from_earlier():
    told = list(texts_in_code())
    used = {text for text, is_start in told if not is_start}
    starts = tuple(text for text, is_start in told if is_start and START.fullmatch(text))
    subjects = WHOLE | subjects_asked_by_word()

    assert starts
    left = [key for key in catalogue() if key not in used and key.split(".")[0] not in subjects]

    assert [key for key in left if not key.startswith(starts)] == []


def test_numbers_are_written_as_the_reader_writes_them():
    english, portuguese = Speech(Language.ENGLISH), Speech(Language.PORTUGUESE)

    assert english.usd(Decimal("1234.5"), signed=True) == "+1,234.50 USD"
    assert portuguese.usd(Decimal("-1234.5")) == "-1.234,50 USD"
    assert english.number(Decimal("0.00105")) == "0.00105"
    assert portuguese.number(Decimal("95200.100")) == "95.200,1"
    assert portuguese.percent(Decimal("12.34")) == "12,3 %"
    assert [english.number(one) for one in (0, -999, 999, 1000)] == ["0", "-999", "999", "1,000"]
    assert english.number(Decimal("-0.0")) == "0"


@pytest.mark.parametrize("value", ["-0.004", "0.004", "-0", "0.00"])
def test_what_rounds_to_nothing_is_a_plain_zero_without_colour(value):
    """Once "-0.00 USD" stood there in red."""
    english = Speech(Language.ENGLISH)

    assert english.usd(Decimal(value), signed=True) == "0.00 USD"
    assert english.percent(Decimal(value)) == "0 %"
    assert english.ms(float(value)) == "0 ms"
    assert tone_of(Decimal(value)) == ""
    assert [tone_of(Decimal(one)) for one in ("-0.006", "0.006")] == ["down", "up"]


def test_a_browser_that_asks_for_portuguese_gets_it_until_its_reader_chooses():
    assert Language.chosen(None, "pt-BR,pt;q=0.9,en;q=0.8") is Language.PORTUGUESE
    assert Language.chosen(None, "de-DE,en;q=0.8") is Language.ENGLISH
    assert Language.chosen("en-GB", "pt-BR") is Language.ENGLISH
    assert Language.chosen("nonsense", "en") is Language.ENGLISH
