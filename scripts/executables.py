"""`make executables`: copydesk-master and copydesk-copier as one file each, started once against the simulator, with their SHA-256.

PyInstaller makes files for the system it runs on; docs/build.md tells what to do on Windows.
"""

import asyncio
import hashlib
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from copydesk.cli import VERBS
from copydesk.ports.clock import SystemClock
from copydesk.simulators.metatrader5 import STANDIN_FOLDER
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway
from copydesk.wiring.children import child, free_port, wait_until_ready

ROOT = Path(__file__).resolve().parent.parent
BUILD, DIST = ROOT / "build" / "executables", ROOT / "dist" / "executables"
LOCKS = ("requirements.lock", "requirements-executables.lock")
PROGRAMS = tuple(name for name in ("master", "copier") if name in VERBS)
HIDDEN = ("copydesk.cli.gateway", "numpy", "http.client", "urllib.request", "sqlite3")
"""What no import statement names: verbs are loaded by name, and the MetaTrader5 package needs numpy."""

LEFT_OUT = (
    "ccxt",
    "nicegui",
    "copydesk.dashboard",
    "babel",
    "numba",
    "llvmlite",
    "talib",
    "uvicorn",
    "fastapi",
    "sqlalchemy",
    "asyncpg",
    "pytest",
)
"""What only the hub and windows use."""

SUMS = "SHA256SUMS"

ENTRY = '''"""Made by scripts/executables.py."""

import os
import sys

# PyInstaller ignores PYTHONPATH. Behind everything that is inside: where the real package is not, the simulator's stand-in is found.
sys.path += [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]

from copydesk.cli import main

if sys.argv[1:2] != ["gateway"]:
    sys.argv.insert(1, "{verb}")
main()
'''

console = Console(stderr=True, highlight=False)


def main() -> None:
    """Raise CalledProcessError where a step fails."""
    for folder in (BUILD, DIST):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    python = _environment()
    made = [_build(python, verb) for verb in PROGRAMS]
    for one in made:
        _smoke(one)
    sums = "".join(f"{_sum(one)}  {one.name}\n" for one in made)
    (DIST / SUMS).write_text(sums, encoding="ascii")
    console.print(f"[green]{DIST.relative_to(ROOT)}[/green]")
    console.print(sums, end="", soft_wrap=True)


def _environment() -> Path:
    """An environment of its own, from the locks alone."""
    folder = BUILD / "environment"
    console.print("An environment from the locks, a minute or two")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for lock in LOCKS:
        _run([*pip, "--require-hashes", "-r", ROOT / lock])
    _run([*pip, "--no-deps", "--no-build-isolation", ROOT])
    if sys.platform == "win32":
        _run([*pip, "MetaTrader5"])
    return python


def _build(python: Path, verb: str) -> Path:
    name = f"copydesk-{verb}"
    entry = BUILD / f"{name.replace('-', '_')}.py"
    entry.write_text(ENTRY.replace("{verb}", verb), encoding="utf-8")
    hidden = [f"copydesk.cli.{verb}", *HIDDEN, *(["MetaTrader5"] if sys.platform == "win32" else [])]
    console.print(f"{name}, a minute")
    _run(
        [
            *(python, "-m", "PyInstaller", "--clean", "--noconfirm", "--onefile", "--console", "--log-level", "WARN"),
            *("--name", name, "--distpath", DIST, "--workpath", BUILD / "work", "--specpath", BUILD),
            *("--copy-metadata", "copydesk"),
            *(part for one in hidden for part in ("--hidden-import", one)),
            *(part for one in LEFT_OUT for part in ("--exclude-module", one)),
            entry,
        ]
    )
    return DIST / (f"{name}.exe" if sys.platform == "win32" else name)


def _smoke(program: Path) -> None:
    """It starts; and the gateway inside it connects to a terminal, a simulated one where this is not Windows."""
    _run([program, "--help"], quiet=True)
    if sys.platform != "win32":
        asyncio.run(_connect(program))
    console.print(f"{program.name} starts, {program.stat().st_size / 1_000_000:.0f} MB")


async def _connect(program: Path) -> None:
    """Raise SystemExit where it does not see the account."""
    with tempfile.TemporaryDirectory() as place:
        port, clock = free_port(0), SystemClock()
        url = f"http://127.0.0.1:{port}"
        verb = ["simulate", "metatrader5", "--port", str(port)]
        async with child("simulator", verb, {}, Path(place)) as simulator:
            await wait_until_ready(simulator, f"{url}/_sim/health", clock)
            named = [f"PYTHONPATH={STANDIN_FOLDER}", f"METATRADER5_SIMULATOR_URL={url}"]
            async with Gateway(["/usr/bin/env", *named, str(program), "gateway"]) as gateway:
                connected, account = await gateway.initialize(None), await gateway.account()
    if connected is not True or isinstance(account, Failed):
        raise SystemExit(f"{program.name} does not reach the simulated terminal: {connected}, {account}")
    console.print(f"{program.name} sees login {account.login} on {account.server}")


def _sum(program: Path) -> str:
    with program.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(command: Sequence[str | Path], *, quiet: bool = False) -> None:
    output = subprocess.DEVNULL if quiet else None
    subprocess.run([str(one) for one in command], check=True, cwd=ROOT, stdout=output)  # noqa: S603  our own words


if __name__ == "__main__":
    main()
