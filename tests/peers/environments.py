"""Other people's clients, each in an environment of its own under ``.peers``: made once, kept while its requirements stay.

`python tests/peers/environments.py [NAME …]` makes them beforehand and prints each one's interpreter, or folder.
"""

import contextlib
import hashlib
import importlib.util
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / ".peers"
NAMES = tuple(sorted(path.stem.removeprefix("requirements-") for path in HERE.glob("requirements-*.txt")))
NODE_NAMES = tuple(sorted(path.parent.name for path in HERE.glob("*/package-lock.json")))
_WAIT_S = 300
_CHANGED = "DO NOT MATCH THE HASHES"
_NODE_CHANGED = "EINTEGRITY"


class NoRegistry(Exception):
    """Nothing answers that has the packages; what pip said last."""


def interpreter(name):
    """The Python of this peer's environment, made now if need be. Raises NoRegistry, and CalledProcessError when what
    arrived is not what was pinned."""
    requirements = HERE / f"requirements-{name}.txt"
    python = FOLDER / name / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    _once(name, requirements.read_bytes() + sys.version.encode(), lambda: _make(python, requirements))
    return python


def node_folder(name):
    """The folder that holds this peer's ``node_modules``, made now if need be. Raises as ``interpreter`` does."""
    folder = FOLDER / name
    _once(name, (HERE / name / "package-lock.json").read_bytes(), lambda: _make_node(folder, HERE / name))
    return folder


def _once(name, made_from, make):
    """Nothing to do where it was made from just that before."""
    stamp = FOLDER / name / "made-from"
    wanted = hashlib.sha256(made_from).hexdigest()
    FOLDER.mkdir(exist_ok=True)
    with _alone(FOLDER / f"{name}.lock"):
        if not (stamp.exists() and stamp.read_text() == wanted):
            _say(f"copydesk: making {FOLDER / name}, once, some seconds")
            shutil.rmtree(FOLDER / name, ignore_errors=True)
            make()
            stamp.write_text(wanted)


@contextlib.contextmanager
def _alone(lock):
    """One process at a time, also when one dies: SQLite's own lock works on every system."""
    with contextlib.closing(sqlite3.connect(lock, timeout=_WAIT_S, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield


def _make(python, requirements):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python.parent.parent], check=True)
    _install([*_installer(python), "--require-hashes", "-r", requirements], changed=_CHANGED)


def _make_node(folder, source):
    """``npm ci`` takes exactly what the lock names, and checks its hashes; no package may run a script of its own."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NoRegistry("node and npm are not here")
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(source / name, folder / name)
    command = [npm, "ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"]
    _install(command, changed=_NODE_CHANGED)


def _install(command, *, changed):
    try:
        done = subprocess.run(command, timeout=_WAIT_S, check=False, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        raise NoRegistry(f"no answer within {_WAIT_S} s") from None
    if done.returncode == 0:
        return
    if changed in done.stderr:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    raise NoRegistry(" ".join(done.stderr.strip().splitlines()[-1:]) or "it failed without a word")


def _installer(python):
    """pip from this environment, else uv; both know from their own configuration where packages come from."""
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
        return [*pip, "install", "--timeout", "15", "--retries", "1", "--progress-bar", "off"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", python]
    raise NoRegistry("neither pip nor uv is here")


def _say(text):
    """Past pytest, which would keep it to itself."""
    with contextlib.suppress(OSError, AttributeError):
        sys.__stderr__.write(f"{text.rstrip()}\n")
        sys.__stderr__.flush()


if __name__ == "__main__":
    for each in sys.argv[1:] or (*NAMES, *NODE_NAMES):
        sys.stdout.write(f"{node_folder(each) if each in NODE_NAMES else interpreter(each)}\n")
