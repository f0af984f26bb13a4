"""Backtests over HTTP: asked for, played by a real process of its own beside the hub, seen by whose bot it is."""

import asyncio
import math
import os
import stat
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from copydesk.domain.ids import AccountId
from copydesk.engine.backtest.terms import Terms
from copydesk.ports.strategy_table import Series
from copydesk.settings import Settings
from copydesk.stores.candle_files import CandleFile
from copydesk.wiring.backtest import desk as desk_module
from copydesk.wiring.backtest.desk import BacktestDesk
from copydesk.wiring.backtest.play import as_json, run_backtest
from copydesk.wiring.strategies import StrategyMaker
from strategy_support import MINUTE_MS, candles_of
from web_support import BOTS, assert_error, eventually, running_simulator

BACKTESTS = "/api/v1/backtests"
RSI = {"name": "RSI", "source": "strategy", "strategy": "rsi", "symbols": ["BTCUSDT", "ETHUSDT"]}
FOR_EVER = "def decide(view, settings):\n    while True:\n        print('still here')\n"
BROKEN = 'print("not JSON")\n\ndef decide(view, settings):\n    return 1 / 0\n'
A_HUB = """
import json, os, subprocess, sys
job = json.loads(sys.stdin.readline()) | {"parent": os.getpid()}
command = [sys.executable, "-m", "copydesk", "backtest-worker"]
worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
worker.stdin.write(json.dumps(job).encode() + b"\\n")
worker.stdin.flush()
worker.stdout.readline()
print(worker.pid, flush=True)
worker.wait()
"""
"""Stands for a hub: asks for a backtest, and tells its process once that is at work."""

START_MS = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1_000)
CANDLES = candles_of([round(1_000 + 60 * math.sin(step / 9), 1) for step in range(400)], start_ms=START_MS)


@pytest.fixture
async def desk(start_hub):
    async with start_hub() as running:
        yield running


async def bot_with_candles(desk, owner, **wish):
    """A strategy bot, and candles of its first symbol that this desk has stored."""
    answer = await owner.post(BOTS, json=RSI | wish)
    assert answer.status_code == 201, answer.text
    found = await desk.hub.store.read(lambda tables: tables.strategies.run(answer.json()["id"]))
    bot, run, _ = found
    account = await desk.hub.store.read(lambda tables: tables.followers.account(AccountId(bot.exchange_account_id)))
    series = Series(market=desk.hub.market_name(bot, account), symbol=run.symbols[0], timeframe="1m")
    await desk.hub.store.write(lambda tables: tables.strategies.add_candles(series, CANDLES))
    return answer.json()


def own_strategy(desk, name, text):
    (desk.folder / "strategies").mkdir(exist_ok=True)
    (desk.folder / "strategies" / name).write_text(text)
    return {"strategy": name}


async def ask(owner, bot, **wish):
    answer = await owner.post(BACKTESTS, json={"bot_id": bot["id"], "candles": 400, "candles_from": "stored", **wish})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def ended(owner, asked):
    async def look():
        found = (await owner.get(f"{BACKTESTS}/{asked['id']}")).json()
        return found if found["state"] in {"done", "failed"} else None

    return await eventually(look, within_s=60)


async def process_of(desk):
    async def look():
        return desk.hub.backtests._process

    return (await eventually(look))[1].pid


def is_alive(pid):
    """A child that was not waited for yet is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


async def test_a_backtest_over_http_comes_to_the_figures_of_the_command_line(desk):
    owner = await desk.person("provider")
    bot = await bot_with_candles(desk, owner, settings={"rsi_buy": "45"})
    asked = await ask(owner, bot, size_usd="1000", fee_pct="0.04", slippage_pct="0.02")

    done = await ended(owner, asked)

    assert (asked["state"], asked["figures"], done["state"], done["progress"]) == ("queued", None, "done", 1)
    terms = Terms(size_usd=Decimal(1_000), fee_pct=Decimal("0.04"), slippage_pct=Decimal("0.02"))
    file = CandleFile(path="x", candles=CANDLES, interval_ms=MINUTE_MS, gaps=[])
    expected = as_json(run_backtest(StrategyMaker("rsi"), {"rsi_buy": "45"}, terms, file))
    assert done["figures"]["trades"] > 2
    assert done["figures"] == {name: value for name, value in expected["figures"].items() if name in done["figures"]}
    assert (done["candles_played"], done["candles_missing"]) == (400, 0)
    assert done["curve"][-1]["account"] == expected["curve"][-1]["account"].rstrip("0").rstrip(".")
    assert [one["curve"] for one in await owner.items(BACKTESTS, bot_id=bot["id"])] == [None]


async def test_its_report_is_a_page_that_reaches_nothing_and_only_its_owner_s_files(desk):
    owner = await desk.person("provider")
    done = await ended(owner, await ask(owner, await bot_with_candles(desk, owner)))

    page = await owner.get(f"{BACKTESTS}/{done['id']}/report")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox allow-scripts; default-src 'none'" in page.headers["content-security-policy"]
    assert "copydesk backtest rsi" in page.text
    assert " src=" not in page.text.replace("data:", "")[:20_000]
    folder = desk.folder / "backtests"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}


async def test_candles_stored_in_postgresql_are_found_too(start_hub, postgres):
    name = await postgres.new_database()
    async with start_hub(database_url=postgres.url(name)) as desk:
        owner = await desk.person("provider")

        done = await ended(owner, await ask(owner, await bot_with_candles(desk, owner)))

    assert (done["problem"], done["candles_played"]) == (None, 400)


async def test_candles_may_be_asked_of_the_market_itself(start_hub):
    async with running_simulator() as simulator, start_hub(simulator_url=simulator.url) as desk:
        owner = await desk.person("provider")
        bot = await bot_with_candles(desk, owner)

        done = await ended(owner, await ask(owner, bot, candles=1_200, candles_from="market"))

    assert done["problem"] is None
    assert (done["state"], done["candles_played"], done["candles_missing"]) == ("done", 1_200, 0)


async def test_one_at_a_time_for_each_user_and_the_others_wait_for_their_turn(desk):
    ada, bo = await desk.person("provider"), await desk.person("provider")
    slow = await bot_with_candles(desk, ada, **own_strategy(desk, "slow.py", FOR_EVER))
    first = await ask(ada, slow)
    await process_of(desk)

    again = await ada.post(BACKTESTS, json={"bot_id": slow["id"]})
    second = await ask(bo, await bot_with_candles(desk, bo))

    assert_error(again, 409, "conflict")
    assert (second["state"], second["ahead"]) == ("queued", 1)
    assert (await ada.delete(f"{BACKTESTS}/{first['id']}")).status_code == 204
    assert (await ended(bo, second))["state"] == "done"


async def test_when_too_many_wait_the_next_is_told_to_come_back(desk, monkeypatch):
    monkeypatch.setattr(desk_module, "QUEUE_MAX", 1)
    ada, bo = await desk.person("provider"), await desk.person("provider")
    await ask(ada, await bot_with_candles(desk, ada, **own_strategy(desk, "slow.py", FOR_EVER)))

    answer = await bo.post(BACKTESTS, json={"bot_id": (await bot_with_candles(desk, bo))["id"]})

    assert_error(answer, 429, "too_many_requests")
    assert answer.headers["retry-after"] == "10"


async def test_one_that_is_removed_while_it_is_played_leaves_no_process_and_no_files(desk):
    owner = await desk.person("provider")
    asked = await ask(owner, await bot_with_candles(desk, owner, **own_strategy(desk, "slow.py", FOR_EVER)))
    pid = await process_of(desk)

    await owner.delete(f"{BACKTESTS}/{asked['id']}")

    async def gone():
        return not is_alive(pid) and not list((desk.folder / "backtests").iterdir())

    await eventually(gone)
    assert_error(await owner.get(f"{BACKTESTS}/{asked['id']}"), 404)


async def test_the_process_ends_with_the_hub(start_hub):
    async with start_hub() as desk:
        owner = await desk.person("provider")
        await ask(owner, await bot_with_candles(desk, owner, **own_strategy(desk, "slow.py", FOR_EVER)))
        pid = await process_of(desk)
        assert is_alive(pid)

    assert not is_alive(pid)


async def test_the_process_ends_when_the_hub_is_killed(desk):
    owner = await desk.person("provider")
    await ask(owner, await bot_with_candles(desk, owner, **own_strategy(desk, "slow.py", FOR_EVER)))
    job = desk.hub.backtests._job(desk.hub.backtests._waiting[0])
    hub = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", A_HUB), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    hub.stdin.write(msgspec.json.encode(job) + b"\n")
    pid = int(await hub.stdout.readline())
    assert is_alive(pid)

    hub.kill()
    await hub.wait()

    async def gone():
        return not is_alive(pid)

    await eventually(gone)


async def test_a_strategy_without_an_end_is_ended_when_its_time_is_over(desk):
    desk.hub.backtests._time_s_max = 3.0
    owner = await desk.person("provider")
    asked = await ask(owner, await bot_with_candles(desk, owner, **own_strategy(desk, "slow.py", FOR_EVER)))

    found = await ended(owner, asked)

    assert (found["state"], found["has_report"]) == ("failed", False)
    assert found["problem"] == "it was not through after 3 s: try fewer candles"
    assert_error(await owner.get(f"{BACKTESTS}/{asked['id']}/report"), 409)


async def test_a_strategy_that_prints_and_breaks_is_told_in_its_own_words(desk):
    owner = await desk.person("provider")
    bot = await bot_with_candles(desk, owner, **own_strategy(desk, "broken.py", BROKEN))

    found = await ended(owner, await ask(owner, bot))

    assert found["state"] == "failed"
    assert "ZeroDivisionError: division by zero" in found["problem"]


async def test_whatever_breaks_at_one_backtest_the_next_is_played(desk, monkeypatch):
    owner = await desk.person("provider")
    bot = await bot_with_candles(desk, owner)

    async def breaks(*_):
        raise RuntimeError("nobody has thought of this")

    with monkeypatch.context() as trouble:
        trouble.setattr(BacktestDesk, "_listen", breaks)
        broken = await ended(owner, await ask(owner, bot))
    done = await ended(owner, await ask(owner, bot))

    assert (broken["state"], done["state"]) == ("failed", "done")
    assert "the hub's log has more" in broken["problem"]


async def test_too_few_stored_candles_are_said_to_be_too_few(desk):
    owner = await desk.person("provider")
    bot = await bot_with_candles(desk, owner)

    found = await ended(owner, await ask(owner, bot, symbol="ETHUSDT"))

    assert (found["state"], found["candles_played"]) == ("failed", None)
    assert found["problem"] == "candles: there are 0 of ETHUSDT, 1m; a backtest needs at least 2"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"symbol": "DOGEUSDT"}, "symbol"),
        ({"candles": 10}, "candles"),
        ({"candles": 50_001}, "candles"),
        ({"candles_from": "a friend"}, "candles_from"),
        ({"balance": "0"}, "balance"),
        ({"balance": "1000", "size_usd": "1000.01"}, "size_usd"),
        ({"fee_pct": "10.1"}, "fee_pct"),
        ({"slippage_pct": "0.00001"}, "slippage_pct"),
        ({"payout": "1"}, "payout"),
        ({"period": "a week"}, "period"),
    ],
)
async def test_what_cannot_be_played_is_refused_by_its_field(desk, wish, field):
    owner = await desk.person("provider")
    bot = await bot_with_candles(desk, owner)

    answer = await owner.post(BACKTESTS, json={"bot_id": bot["id"], **wish})

    error = assert_error(answer, 422, "invalid_input")
    assert [one["field"] for one in error["details"]["fields"]] == [field]
    assert await owner.items(BACKTESTS) == []


async def test_a_ladder_that_the_balance_cannot_pay_is_refused_before_it_is_played(desk):
    owner = await desk.person("provider")
    wish = {"name": "Streak", "source": "strategy", "strategy": "streak"}
    bot = (await owner.post(BOTS, json=wish)).json()

    answer = await owner.post(BACKTESTS, json={"bot_id": bot["id"], "balance": "100"})

    error = assert_error(answer, 422)
    assert "the ladder of 10 levels costs" in error["message"]


async def test_whose_bot_it_is_not_neither_starts_nor_sees_nor_ends_one(desk):
    ada, bo, admin = await desk.person("provider"), await desk.person("provider"), await desk.person("admin")
    bot = await bot_with_candles(desk, ada)
    done = await ended(ada, await ask(ada, bot))
    path = f"{BACKTESTS}/{done['id']}"

    assert_error(await bo.post(BACKTESTS, json={"bot_id": bot["id"]}), 404)
    assert_error(await bo.get(path), 404)
    assert_error(await bo.get(f"{path}/report"), 404)
    assert_error(await bo.delete(path), 404)
    assert await bo.items(BACKTESTS) == []

    assert (await admin.get(f"{path}/report")).status_code == 200
    assert (await admin.get(path)).json() == done


async def test_after_a_restart_what_was_done_is_there_and_what_was_not_is_said_to_have_failed(desk):
    owner = await desk.person("provider")
    bot = await bot_with_candles(desk, owner)
    done = await ended(owner, await ask(owner, bot))
    slow = await bot_with_candles(desk, owner, **own_strategy(desk, "slow.py", FOR_EVER))
    under_way = await ask(owner, slow)
    await process_of(desk)
    await owner.get(f"{BACKTESTS}/{under_way['id']}")

    settings = Settings(_env_file=None, data_dir=desk.folder, master_key_file=desk.folder / "master.key")
    later = BacktestDesk(settings, desk.folder / "strategies", desk.hub.clock)
    await later.load()

    assert [(one.id, one.state) for one in later.newest()] == [(under_way["id"], "failed"), (done["id"], "done")]
    assert later.find(under_way["id"]).problem.startswith("the hub was stopped before it was through")
    assert later.report(done["id"]).read_bytes() == desk.hub.backtests.report(done["id"]).read_bytes()


async def test_only_the_newest_of_each_user_are_kept(desk, monkeypatch):
    monkeypatch.setattr(desk_module, "KEPT_EACH", 1)
    owner = await desk.person("provider")
    bot = await bot_with_candles(desk, owner)
    first = await ended(owner, await ask(owner, bot))

    second = await ended(owner, await ask(owner, bot))

    assert_error(await owner.get(f"{BACKTESTS}/{first['id']}"), 404)

    async def only_the_second():
        kept = {path.name for path in (desk.folder / "backtests").iterdir()}
        return kept == {f"{second['id']}.json", f"{second['id']}.html"}

    await eventually(only_the_second)


async def test_a_file_that_is_none_of_ours_does_not_stop_the_hub(desk):
    folder = desk.folder / "backtests"
    folder.mkdir()
    (folder / "letter.json").write_text("Dear Ada")

    await desk.hub.backtests.load()

    assert desk.hub.backtests.newest() == []


async def test_the_strategies_there_are_come_with_their_defaults_and_files_by_name(desk):
    follower = await desk.person()
    own_strategy(desk, "mine.py", "raise SystemExit('a list runs no program')")

    found = {one["name"]: one for one in await follower.items("/api/v1/strategies")}

    assert (found["rsi"]["trades"], found["rsi"]["settings"]["stop_loss_pct"]) == ("positions", "3")
    assert (found["streak"]["trades"], found["streak"]["settings"]["max_level"]) == ("contracts", 10)
    assert found["mine.py"] == {"name": "mine.py", "trades": None, "settings": None}


async def test_the_process_that_plays_is_gentler_than_the_hub(desk):
    owner = await desk.person("provider")
    await ask(owner, await bot_with_candles(desk, owner, **own_strategy(desk, "slow.py", FOR_EVER)))
    pid = await process_of(desk)

    async def niceness():
        return os.getpriority(os.PRIO_PROCESS, pid) - os.getpriority(os.PRIO_PROCESS, 0)

    assert await eventually(niceness) == 10
