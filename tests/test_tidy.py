"""House rules that no linter knows, read from the files themselves: each finding names its line and what would be right."""

import ast
import io
import re
import subprocess
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
BROAD_EXCEPTS_MAX = 20
FILE_BYTES_MAX = 1024 * 1024
TEST_NAME_WORDS_MIN = 4

# Files that may be longer, each with its reason. A `codec.py` may be longer anyway: it is a table of a venue's words.
MAY_BE_LONGER = {
    "src/copydesk/stores/migrations/versions/0001_first_schema.py": "table after table, no decisions; a migration never changes",
}

EMPTY_NAMES = {"manager", "managers", "helper", "helpers", "util", "utils", "common", "misc"}
TWIN = re.compile(r"_(v\d+|new|old)$")
UNFINISHED = re.compile(r"TODO|FIXME|XXX|NotImplementedError|(?i:not implemented|coming soon)")
LINTER_WORDS = re.compile(r"#|noqa(:[\sA-Z0-9,]+)?|type: ignore(\[[\w, -]*\])?|pragma: no cover")
REGISTRY_ADDRESS = re.compile(
    r'--(extra-)?index-url|index-url *=|registry *= *.?http|"resolved": *"http'
    r"|https?://[^ ]*/simple/?|https?://[^ ]*/packages/[0-9a-f]{2}/"
)
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root)/\w")
FOREIGN_LOCKS = {"uv.lock", "poetry.lock", "pylock.toml", "pdm.lock", "Pipfile.lock"}
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r'\]\(<?([^)>\s]+)>?(?:\s+"[^"]*")?\)|(?:src|srcset|href)="([^"]+)"')
HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    path: str
    text: str
    tree: ast.Module

    @property
    def may_be_longer(self):
        return self.path.endswith("/codec.py") or self.path in MAY_BE_LONGER

    def at(self, line, message):
        return f"{self.path}:{line}: {message}"


def parse(path, text):
    return Source(path=path, text=text, tree=ast.parse(text, path))


@cache
def sources(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    return [parse(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files]


@cache
def files():
    """What git tracks or would track; in a tree without git, everything that is not a cache."""
    git = ["git", "-C", str(ROOT)]
    top = subprocess.run([*git, "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=False)
    if top.returncode == 0 and Path(top.stdout.strip()).resolve() == ROOT:
        listed = subprocess.run(
            [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True,
            text=True,
            check=True,
        )
        return sorted({path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()})
    hidden = re.compile(r"(^|/)(\.(?!ci/|gitignore|env\.example)|__pycache__/|build/|dist/|data/|[^/]*\.egg-info/)")
    paths = (path for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in paths if not hidden.search(path.relative_to(ROOT).as_posix()))


@cache
def texts():
    """The files that are text, by their path from the top of the tree."""
    contents = ((path, path.read_bytes()) for path in files())
    return {
        path.relative_to(ROOT).as_posix(): content.decode("utf-8", "replace")
        for path, content in contents
        if b"\0" not in content
    }


def too_long_a_module(source: Source) -> Iterator[str]:
    lines = len(source.text.splitlines())
    if lines > MODULE_LINES_MAX and not source.may_be_longer:
        yield source.at(lines, f"{lines} lines; a module is one idea of at most {MODULE_LINES_MAX}: split it by idea")


def too_long_a_function(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not source.may_be_longer:
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield source.at(node.lineno, f"{node.name} has {lines} lines; a step has at most {FUNCTION_LINES_MAX}")


def no_docstring(source: Source) -> Iterator[str]:
    if not ast.get_docstring(source.tree):
        yield source.at(1, "starts without a docstring; say in a line what the module is for")


def empty_name(source: Source) -> Iterator[str]:
    for part in Path(source.path).with_suffix("").parts:
        if EMPTY_NAMES & set(part.split("_")):
            yield source.at(1, f"'{part}' says nothing; name it after what it does")


def twin_by_version(source: Source) -> Iterator[str]:
    for part in Path(source.path).with_suffix("").parts:
        if TWIN.search(part):
            yield source.at(1, f"'{part}' is a twin; change the one that is there, git keeps the old one")


def print_outside_programs(source: Source) -> Iterator[str]:
    if {"cli", "terminal"} & set(Path(source.path).parts):
        return
    for line in calls_of("print", source.tree):
        yield source.at(line, "print(…); log it with its ids, or return it to cli/")


def float_among_money(source: Source) -> Iterator[str]:
    if "domain" not in Path(source.path).parts:
        return
    for line in calls_of("float", source.tree):
        yield source.at(line, "float(…); money and quantities are Decimal or integers in steps")


def unfinished(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := UNFINISHED.search(line):
            yield source.at(number, f"'{found[0]}': finish it, or leave it out and name it in an issue")


def broad_except_without_reason(source: Source) -> Iterator[str]:
    comments = comments_of(source.text)
    for line in broad_excepts(source.tree):
        nearby = LINTER_WORDS.sub("", comments.get(line, "") + " " + comments.get(line - 1, ""))
        if len(re.findall(r"\w+", nearby)) < 3:
            yield source.at(line, "a broad except needs its reason in a comment beside or above it")


def calls_of(name, tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node.lineno


def broad_excepts(tree):
    """Lines of `except:`, `except Exception`, and `suppress(Exception)`, alone or in a tuple."""
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None, lineno=line):
                yield line
            case ast.ExceptHandler(type=caught, lineno=line) if is_broad(caught):
                yield line
            case ast.Call(func=ast.Name("suppress") | ast.Attribute(attr="suppress"), args=caught, lineno=line):
                yield from (line for expression in caught if is_broad(expression))


def is_broad(expression):
    names = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    return any(isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names)


def comments_of(text):
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


# Each rule, and the path and text of a module that breaks it: a rule that finds nothing there is broken itself.
RULES = {
    too_long_a_module: ("src/a.py", '"""A."""\n' + "x = 1\n" * MODULE_LINES_MAX),
    too_long_a_function: ("src/a.py", "def step():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
    no_docstring: ("src/a.py", "x = 1\n"),
    empty_name: ("src/order_utils.py", ""),
    twin_by_version: ("src/signing_v2.py", ""),
    print_outside_programs: ("src/engine/a.py", "print(1)\n"),
    float_among_money: ("src/copydesk/domain/a.py", "x = float('1')\n"),
    unfinished: ("src/a.py", "# This is Not Implemented yet\n"),
    broad_except_without_reason: (
        "src/a.py",
        "try:\n    x = 1\nexcept (OSError, Exception):  # noqa: BLE001\n    x = 2\n",
    ),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_finds_the_module_that_breaks_it(rule):
    assert list(rule(parse(*RULES[rule])))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_in_src_keeps_the_rule(rule):
    expect_none(finding for source in sources("src") for finding in rule(source))


def test_a_reason_above_or_beside_a_broad_except_is_seen():
    above = "try:\n    x = 1\n# one follower's error stays with that follower\nexcept Exception:\n    x = 2\n"
    beside = "try:\n    x = 1\nexcept Exception:  # noqa: BLE001 - a listener must not stop the journal\n    x = 2\n"

    assert not list(broad_except_without_reason(parse("src/a.py", above)))
    assert not list(broad_except_without_reason(parse("src/a.py", beside)))


def test_broad_excepts_stay_at_the_few_boundaries():
    found = [source.at(line, "broad except") for source in sources("src") for line in broad_excepts(source.tree)]

    assert len(found) <= BROAD_EXCEPTS_MAX, f"one per boundary, {BROAD_EXCEPTS_MAX} in all:\n" + "\n".join(found)


def test_names_of_tests_are_sentences_about_behaviour():
    expect_none(
        source.at(node.lineno, f"{node.name}: say in at least {TEST_NAME_WORDS_MIN} words what holds")
        for source in sources("tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if len([word for word in node.name.split("_")[1:] if word]) < TEST_NAME_WORDS_MIN
    )


def test_files_in_the_tree_stay_under_one_mebibyte():
    expect_none(
        f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes; keep large files out of git, make them when needed"
        for path in files()
        if path.stat().st_size > FILE_BYTES_MAX
    )


def test_no_file_names_a_package_registry():
    assert REGISTRY_ADDRESS.search("--index%url".replace("%", "-"))
    expect_none(
        matches(REGISTRY_ADDRESS, "names a package registry; pip's own configuration knows where packages come from")
    )


def test_no_file_names_a_path_of_one_machine():
    assert MACHINE_PATH.search("%root%data".replace("%", "/"))
    expect_none(matches(MACHINE_PATH, "is a path on one machine; write it relative to the tree or to a setting"))


def test_no_lock_file_that_records_addresses_is_kept():
    expect_none(
        f"{path.relative_to(ROOT)}: records addresses; requirements.lock is the lock (`make lock`)"
        for path in files()
        if path.name in FOREIGN_LOCKS
    )


def matches(pattern, message):
    for path, text in texts().items():
        for number, line in enumerate(text.splitlines(), 1):
            if found := pattern.search(line):
                yield f"{path}:{number}: '{found[0]}' {message}"


def expect_none(findings):
    if found := list(findings):
        pytest.fail("\n".join(found), pytrace=False)


def requirements(name):
    """Each requirement of a lock: its name, its version and marker, its hashes."""
    logical = re.sub(r"\\\n", " ", (ROOT / name).read_text(encoding="utf-8"))
    lines = (line.split("#")[0].strip() for line in logical.splitlines())
    return [line for line in lines if line]


def pins(name):
    """Versions of each package in a lock, each with its hashes; markers left out: a tool may widen them."""
    found = {}
    for line in requirements(name):
        package, _, rest = line.partition("==")
        if not rest:
            continue
        found.setdefault(package.split("[")[0].strip(), {})[rest.split()[0]] = frozenset(
            re.findall(r"--hash=(\S+)", rest)
        )
    return found


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_requirement_in_a_lock_is_pinned_with_its_hash(lock):
    pinned = re.compile(r"^[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+( ;.*?)? +--hash=sha256:[0-9a-f]{64}\b")

    expect_none(
        f"{lock}: {line[:80]}: not `name==version --hash=…`" for line in requirements(lock) if not pinned.match(line)
    )


def test_the_development_lock_holds_the_same_pins_as_the_runtime_lock():
    development = pins("requirements-dev.lock")

    expect_none(
        f"requirements-dev.lock: {package} differs from requirements.lock; run `make lock`"
        for package, versions in pins("requirements.lock").items()
        if development.get(package) != versions
    )


def test_the_locks_know_every_dependency_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        "requirements.lock": [*project["project"]["dependencies"], *project["dependency-groups"]["build"]],
        "requirements-dev.lock": project["dependency-groups"]["dev"],
    }

    expect_none(
        f"pyproject.toml: {requirement}: not in {lock}; run `make lock`"
        for lock, needed in wanted.items()
        for requirement in needed
        if re.match(r"[\w.-]+", requirement)[0].lower() not in pins(lock)
    )


def slugs(text):
    """The anchors of a page's headings, made the way code hosts make them."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(FENCE.sub("", text)))
    return {heading.strip().replace(" ", "-") for heading in headings}


def broken_links(page, text):
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
    for target in (first or second for first, second in LINK.findall(prose)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists():
            yield f"{target}: no such file in this tree"
        elif anchor and file.suffix == ".md" and anchor not in slugs(file.read_text(encoding="utf-8")):
            yield f"{target}: no such heading there"


def test_every_relative_link_in_the_documents_leads_somewhere():
    pages = [path for path in files() if path.suffix == ".md"]

    assert (
        len(list(broken_links(ROOT / "a.md", "[a](b.md) ![c](../d.svg) [ok](README.md) [web](https://example.org)")))
        == 2
    )
    expect_none(
        f"{page.relative_to(ROOT)}: {problem}"
        for page in pages
        for problem in broken_links(page, page.read_text("utf-8"))
    )
