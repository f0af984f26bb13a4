"""A worker behind a window, as real processes: started, killed, stopped, orphaned; and what everybody on the machine may read of it."""

import asyncio
import json
import os
import random
import signal
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from master_support import CLOCK, MASTER, PASSWORD, eventually, is_alive, running_desk

from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import Access, Phase
from copydesk.wiring.supervisor import Supervisor, own_command
from copydesk.wiring.worker import LocalWorker

pytestmark = pytest.mark.xdist_group("heavy")

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
ACCESS = Access(url="http://127.0.0.1:9", username="ann", password=PASSWORD, signing_secret=SECRET)
GREETS = """
import json, sys
access = json.loads(sys.stdin.readline())
print(json.dumps({"line": {"at": "2026-11-21T08:00:00Z", "text": "hello " + access["username"]}}), flush=True)
print("a stranger's print", flush=True)
"""
STAYS = "sys.stdin.read()\n"
DIES = "raise ValueError('a bad thing')\n"
GIVES_UP = 'print(json.dumps({"end": "the password is refused"}), flush=True); sys.exit(3)\n'
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)\n"


@asynccontextmanager
async def living(program):
    """The program (a supervisor, or what has one) with its work going on."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(program.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def worker_of(program, **how):
    command = [sys.executable, "-c", GREETS + program]
    return LocalWorker(TerminalRole.MASTER, command, clock=CLOCK, chance=random.Random(7), **how)


def texts(worker):
    return [one.text for one in worker.lines]


async def test_a_worker_that_is_killed_is_started_again_and_told_the_same(tmp_path):
    worker = worker_of(STAYS)
    async with living(worker):
        worker.start(ACCESS)
        await eventually(lambda: texts(worker) == ["hello ann", "a stranger's print"])
        first = worker.condition.pid
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: worker.condition.phase is Phase.WAITING)
        assert worker.condition.code == -signal.SIGKILL
        await eventually(lambda: texts(worker).count("hello ann") == 2)
        assert worker.condition.pid not in {None, first}
        assert worker.condition.restarts == 1
        second = worker.condition.pid
    assert not is_alive(second)


async def test_a_crash_is_told_in_its_own_last_words():
    worker = worker_of(DIES)
    async with living(worker):
        worker.start(ACCESS)
        await eventually(lambda: worker.condition.phase is Phase.WAITING)
        assert worker.condition.why.endswith("ValueError: a bad thing")
        assert worker.condition.code == 1
        assert 1 <= worker.condition.again_s <= 30
        worker.stop()
        await eventually(lambda: worker.condition.phase is Phase.STOPPED)


async def test_a_worker_that_ends_by_its_own_decision_is_not_started_again():
    worker = worker_of(GIVES_UP)
    async with living(worker):
        worker.start(ACCESS)
        await eventually(lambda: worker.condition.phase is Phase.ENDED)
        await asyncio.sleep(1.5)
        assert (worker.condition.why, worker.condition.code) == ("the password is refused", 3)
        assert texts(worker).count("hello ann") == 1


async def test_a_worker_is_stopped_by_the_end_of_its_input_and_a_deaf_one_is_killed():
    polite, deaf = worker_of(STAYS), worker_of(DEAF, stop_s=0.3)
    async with living(polite), living(deaf):
        for one in (polite, deaf):
            one.start(ACCESS)
        await eventually(lambda: texts(polite) and texts(deaf))
        pids = [polite.condition.pid, deaf.condition.pid]
        for one in (polite, deaf):
            one.stop()
        await eventually(lambda: {polite.condition.phase, deaf.condition.phase} == {Phase.STOPPED})
    assert [is_alive(pid) for pid in pids] == [False, False]


async def test_a_program_with_a_log_of_its_own_is_ended_by_the_systems_word_and_its_log_says_why(tmp_path):
    log = tmp_path / "logs" / "one.log"
    script = "import sys, time\nprint('up', flush=True)\nopen(sys.argv[1]).read()\ntime.sleep(600)\n"
    missing, there = tmp_path / "missing", tmp_path / "there"
    there.touch()
    bad = Supervisor(
        [sys.executable, "-c", script, str(missing)], clock=CLOCK, chance=random.Random(7), restarts=False, log=log
    )
    async with living(bad):
        bad.start()
        await eventually(lambda: bad.condition.phase is Phase.ENDED)
    assert "No such file or directory" in bad.condition.why
    assert log.stat().st_mode & 0o777 == 0o600

    good = Supervisor([sys.executable, "-c", script, str(there)], clock=CLOCK, chance=random.Random(7), log=log)
    async with living(good):
        good.start()
        await eventually(lambda: log.read_text() == "up\n")
        good.stop()
        await eventually(lambda: good.condition.phase is Phase.STOPPED)


@pytest.fixture
async def desk(tmp_path):
    async with running_desk(tmp_path) as running:
        yield running


@pytest.fixture
def settings_of(monkeypatch):
    """As a person's shell has them: the worker inherits them, and no password is among them."""

    def use(desk):
        for name, value in desk.settings.items():
            if not name.endswith(("PASSWORD", "SIGNING_SECRET")):
                monkeypatch.setenv(name, value)
        return Access(url=desk.url, username="paula", password=PASSWORD, signing_secret=desk.bot.signing_secret)

    return use


async def test_the_real_worker_tells_how_its_terminal_is_and_nothing_secret_is_on_its_command_line(desk, settings_of):
    async with desk.hub() as hub:
        await desk.seed(hub)
        access = settings_of(desk)
        command = own_command("master", "--headless", "--beside-window")
        worker = LocalWorker(TerminalRole.MASTER, command, clock=CLOCK, chance=random.Random(7))
        async with living(worker):
            worker.start(access)
            await eventually(lambda: worker.insight is not None and worker.insight.account is not None)
            spoken = _command_lines(worker.condition.pid)
            ticket = await desk.do("buy", "EURUSD", 0.10)
            await eventually(lambda: [one.ticket for one in worker.insight.signals] == [ticket])
            seen, log = worker.insight, await worker.log_tail(50)

            await desk.terminal(path=MASTER, login=1001, connected=False)
            await eventually(lambda: worker.insight.trouble == "the terminal has no connection to its broker")
            pid = worker.condition.pid
        assert not is_alive(pid)

    assert PASSWORD not in spoken
    assert desk.bot.signing_secret not in spoken
    assert "--beside-window" in spoken
    assert (seen.login, seen.account.server, seen.sent, seen.bot) == (1001, "Copydesk-Demo", 1, "Paula")
    assert seen.looked_s < 2
    assert any(one.startswith("sent   open EURUSD BUY 0.1") for one in texts(worker))
    assert any(json.loads(one)["event"] == "event settled" for one in log)


async def test_a_worker_whose_window_is_killed_ends_in_order(desk, settings_of, tmp_path):
    async with desk.hub() as hub:
        await desk.seed(hub)
        access = settings_of(desk)
        pipe = asyncio.subprocess.PIPE
        program, *verb = own_command("master", "--headless", "--beside-window")
        process = await asyncio.create_subprocess_exec(program, *verb, stdin=pipe, stdout=pipe, limit=8_000_000)
        written = {name: getattr(access, name) for name in access.__struct_fields__}
        process.stdin.write(json.dumps(written).encode() + b"\n")
        while "insight" not in json.loads(await asyncio.wait_for(process.stdout.readline(), 30)):
            pass
        process.stdin.close()
        rest, _ = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 0
    assert "stopped; what was seen and not sent yet is in the journal" in rest.decode()


async def test_a_refused_password_ends_the_worker_with_the_reason_and_no_second_try(desk, settings_of):
    async with desk.hub() as hub:
        await desk.seed(hub)
        access = settings_of(desk)
        command = own_command("master", "--headless", "--beside-window")
        worker = LocalWorker(TerminalRole.MASTER, command, clock=CLOCK, chance=random.Random(7))
        async with living(worker):
            worker.start(Access(url=access.url, username="paula", password="another", signing_secret=SECRET))
            await eventually(lambda: worker.condition.phase is Phase.ENDED)
    assert "does not let paula in" in worker.condition.why
    assert worker.condition.code == 3


def _command_lines(pid):
    """Of a process and all that came of it, as everybody on the machine reads them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return own + " ".join(_command_lines(child) for child in children)
