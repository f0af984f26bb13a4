"""Every command that the documents show exists, with every option that they give it."""

import re
from pathlib import Path

import pytest
import typer

from copydesk.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
IN_A_LINE = re.compile(r"`copydesk((?: [^`\s#|]+)+)`")
TYPED = re.compile(r"^\s*(?:\$ )?copydesk((?: [^\s#|>]+)+)", re.MULTILINE)


def shown_in(page):
    text = page.read_text(encoding="utf-8")
    typed = TYPED.findall("\n".join(FENCED.findall(text)))
    return [one.split() for one in [*typed, *IN_A_LINE.findall(FENCED.sub("", text))]]


def problem_of(words):
    """Down the tree as far as words name commands; then only options of the last one are looked at."""
    command = typer.main.get_command(app)
    while hasattr(command, "get_command") and words and re.fullmatch(r"[a-z][a-z0-9-]*", words[0]):
        found = command.get_command(None, words[0])
        if found is None:
            return f"no command {words[0]!r} under {command.name!r}"
        command, words = found, words[1:]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    options = [re.match(r"--[a-z0-9-]+", word) for word in words]
    unknown = {one[0] for one in options if one} - known
    return f"{command.name} has no {', '.join(sorted(unknown))}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_tells_people_to_type_exists(page):
    problems = [f"copydesk {' '.join(words)}: {problem}" for words in shown_in(page) if (problem := problem_of(words))]

    assert problems == []


def test_a_command_that_is_gone_is_found_out():
    assert problem_of(["bench", "nothing"]) == "no command 'nothing' under 'bench'"
    assert problem_of(["bench", "ingest", "--rounds", "3", "--nothing"]) == "ingest has no --nothing"
    assert sum(len(shown_in(page)) for page in PAGES) > 60
