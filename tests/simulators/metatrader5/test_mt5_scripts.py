"""Scripts written for the real package, unmodified, in processes of their own; and a person's hand beside them."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time

import pytest
from mt5_simulator_support import FOLLOWER, MASTER
from typer.testing import CliRunner

from copydesk.cli import app as cli
from copydesk.simulators.metatrader5 import STANDIN_FOLDER

# After the vendor's own example of order_send: open, look, close.
OPEN_AND_CLOSE = """
import time
from datetime import datetime, timedelta
import MetaTrader5 as mt5

print("MetaTrader5 package version:", mt5.__version__)
if not mt5.initialize():
    print("initialize() failed, error code =", mt5.last_error())
    quit(1)

symbol = "EURUSD"
symbol_info = mt5.symbol_info(symbol)
if symbol_info is None or (not symbol_info.visible and not mt5.symbol_select(symbol, True)):
    mt5.shutdown()
    quit(2)

lot = 0.1
point = mt5.symbol_info(symbol).point
price = mt5.symbol_info_tick(symbol).ask
request = {
    "action": mt5.TRADE_ACTION_DEAL,
    "symbol": symbol,
    "volume": lot,
    "type": mt5.ORDER_TYPE_BUY,
    "price": price,
    "sl": price - 1000 * point,
    "tp": price + 1000 * point,
    "deviation": 20,
    "magic": 234000,
    "comment": "python script open",
    "type_time": mt5.ORDER_TIME_GTC,
    "type_filling": mt5.ORDER_FILLING_IOC,
}
result = mt5.order_send(request)
if result.retcode != mt5.TRADE_RETCODE_DONE:
    for field, value in result._asdict().items():
        print(field, value)
    quit(3)
position_id = result.order
request = {
    "action": mt5.TRADE_ACTION_DEAL,
    "symbol": symbol,
    "volume": lot,
    "type": mt5.ORDER_TYPE_SELL,
    "position": position_id,
    "price": mt5.symbol_info_tick(symbol).bid,
    "deviation": 20,
    "magic": 234000,
    "comment": "python script close",
    "type_time": mt5.ORDER_TIME_GTC,
    "type_filling": mt5.ORDER_FILLING_IOC,
}
result = mt5.order_send(request)
if result.retcode != mt5.TRADE_RETCODE_DONE:
    quit(4)
deals = mt5.history_deals_get(datetime.now() - timedelta(days=9999), datetime.now() + timedelta(days=9999), group="*EUR*")
print("deals", [(deal.entry, deal.volume, deal.magic, deal.comment) for deal in deals])
rates = mt5.copy_rates_from_pos(symbol, mt5.TIMEFRAME_H1, 0, 24)
print("bars", len(rates), rates.dtype.names[0], rates[-1]["close"] > 0)
mt5.shutdown()
"""

# As public copiers do it: one process, two terminals, switched by path; each position is copied once, by its tag.
COPIER = """
import sys, time
import MetaTrader5 as mt5

MASTER, FOLLOWER = sys.argv[1:3]

def connected(path):
    if not mt5.initialize(path):
        raise SystemExit(mt5.last_error())

def positions():
    found = mt5.positions_get()
    if found is None:
        raise SystemExit(mt5.last_error())
    return found

print("watching", flush=True)
copied = 0
for _ in range(400):
    connected(MASTER)
    masters = {str(p.identifier): p for p in positions()}
    connected(FOLLOWER)
    mine = {p.comment: p for p in positions()}
    for tag, p in masters.items():
        if tag not in mine:
            tick = mt5.symbol_info_tick(p.symbol)
            result = mt5.order_send({
                "action": mt5.TRADE_ACTION_DEAL, "symbol": p.symbol, "volume": p.volume, "type": p.type,
                "price": tick.ask if p.type == mt5.POSITION_TYPE_BUY else tick.bid,
                "sl": p.sl, "tp": p.tp, "deviation": 20, "magic": 42, "comment": tag,
                "type_filling": mt5.ORDER_FILLING_FOK,
            })
            print("copied", tag, result.retcode, flush=True)
    for tag, p in mine.items():
        if tag not in masters:
            print("closed", tag, mt5.Close(p.symbol, ticket=p.ticket), flush=True)
            raise SystemExit(0)
    time.sleep(0.02)
"""


def environment(url):
    return {**os.environ, "PYTHONPATH": str(STANDIN_FOLDER), "METATRADER5_SIMULATOR_URL": url}


def run_script(broker, text, *arguments):
    return subprocess.run(
        [sys.executable, "-c", text, *arguments],
        env=environment(broker.url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def by_hand(broker, *arguments):
    """Standard output of ``copydesk simulate metatrader5 …``."""
    done = subprocess.run(
        [sys.executable, "-m", "copydesk", "simulate", "metatrader5", *arguments],
        env={**os.environ, "METATRADER5_SIMULATOR_URL": broker.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def in_this_process(broker, *arguments):
    """The same command without the seconds that a process takes to start."""
    done = CliRunner().invoke(cli, ["simulate", "metatrader5", *arguments, "--url", broker.url])
    return done.exit_code, done.output


def ticket_in(text):
    return text.partition("order ")[2].partition(",")[0]


def test_the_vendors_example_runs_unmodified(broker):
    done = run_script(broker, OPEN_AND_CLOSE)

    assert (done.returncode, done.stderr) == (0, "")
    assert "MetaTrader5 package version: 5.0.6231" in done.stdout
    assert "deals [(0, 0.1, 234000, 'python script open'), (1, 0.1, 234000, 'python script close')]" in done.stdout
    assert "bars 24 time True" in done.stdout


def test_a_copier_follows_a_person_who_trades_from_another_process(broker):
    copier = subprocess.Popen(
        [sys.executable, "-c", COPIER, MASTER, FOLLOWER],
        env=environment(broker.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert copier.stdout.readline() == "watching\n"
        code, bought = by_hand(broker, "buy", "EURUSD", "0.10", "--account", "1001", "--sl", "1.08")
        ticket = ticket_in(bought)
        assert code == 0
        assert "10009 Request executed" in bought
        assert copier.stdout.readline() == f"copied {ticket} 10009\n"
        assert by_hand(broker, "close", ticket, "--account", "1001")[0] == 0
        assert copier.stdout.readline() == f"closed {ticket} True\n"
        assert copier.wait(20) == 0
    finally:
        if copier.poll() is None:
            copier.kill()
        copier.stdout.close()
    assert broker.ledger(1002)["positions"] == []
    assert [each["side"] for each in broker.ledger(1002)["fills"]] == ["BUY", "SELL"]


def test_every_trading_command_does_what_it_says(broker):
    def do(*arguments):
        code, text = in_this_process(broker, *arguments, "--account", "1001")
        assert code == 0, text
        return text

    long, short = ticket_in(do("buy", "EURUSD", "0.3")), ticket_in(do("sell", "EURUSD", "0.1"))
    do("close-by", long, short)
    do("modify", long, "--sl", "1.08", "--tp", "1.09")
    do("partial", long, "0.05")
    waiting = ticket_in(do("pending", "buy-limit", "EURUSD", "0.1", "1.08", "--sl", "1.07"))
    do("modify", waiting, "--price", "1.079")
    listed = do("positions")
    (held,) = broker.ledger(1001)["positions"]

    assert (held["ticket"], held["quantity"], held["stop_loss"], held["take_profit"]) == (long, "0.15", "1.08", "1.09")
    assert long in listed
    assert "buy-limit" in listed
    assert "1.079" in listed
    do("remove", waiting)
    do("close", long)
    assert broker.ledger(1001)["positions"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("buy", "NOSUCH", "0.1", "--account", "1001"), "no symbol NOSUCH"),
        (("buy", "EURUSD", "0.001", "--account", "1001"), "10014 Invalid volume"),
        (("buy", "EURUSD", "0.1", "--account", "77"), "no login 77"),
        (("close", "5", "--account", "1001"), "holds no position 5"),
        (("modify", "5", "--account", "1001"), "no position and no order 5"),
    ],
)
def test_a_command_that_is_refused_says_why_and_exits_with_one(broker, arguments, said):
    code, text = in_this_process(broker, *arguments)

    assert code == 1
    assert said in " ".join(text.split())


def test_the_path_is_printed_and_leads_to_the_stand_in(broker):
    code, text = by_hand(broker, "--print-path")

    assert (code, text.strip()) == (0, str(STANDIN_FOLDER))
    assert (STANDIN_FOLDER / "MetaTrader5" / "__init__.py").exists()
    assert not [path for path in sys.path if path == str(STANDIN_FOLDER)]


def test_the_stand_in_imports_nothing_of_copydesk(broker):
    script = "import MetaTrader5, sys; print([name for name in sys.modules if name.startswith('copydesk')])"

    assert run_script(broker, script).stdout == "[]\n"


def test_the_simulator_starts_by_its_command_and_a_taken_port_is_one_line():
    command = [sys.executable, "-m", "copydesk", "simulate", "metatrader5", "--port", "0"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = running.stderr.readline()
        assert line.startswith("MetaTrader 5 simulator on http://127.0.0.1:")
        port = line.strip().rpartition(":")[2]
        taken = subprocess.run([*command[:-1], port], capture_output=True, text=True, timeout=60, check=False)
        assert taken.returncode == 1
        assert "Traceback" not in taken.stderr
        url = line.split()[-1]
        script = "import MetaTrader5 as m, time; m.initialize(); print(abs(m.symbol_info_tick('EURUSD').time - time.time() - 7200) < 60)"
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment(url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == "True\n", "the server's wall clock, two hours ahead of UTC"
    finally:
        running.terminate()
        running.wait(10)
        running.stderr.close()


async def test_many_programs_share_a_broker_without_losing_a_trade(broker):
    script = (
        "import MetaTrader5 as m, sys\nm.initialize()\n"
        "print(sum(m.Buy('EURUSD', 0.01).retcode == 10009 for _ in range(20)))"
    )
    began = time.monotonic()
    programs = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, env=environment(broker.url), stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            answers = [(await each.communicate())[0] for each in programs]

    assert answers == [b"20\n"] * 3
    assert len(broker.ledger(1001)["positions"]) == 60
    assert time.monotonic() - began < 60
