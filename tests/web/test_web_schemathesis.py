"""Schemathesis reads /openapi.json and sends what it makes of it: no 5xx, no answer that is not described, to nobody.

One real hub on loopback for everybody; a fixed seed, so that a finding comes back.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
import uvicorn

from copydesk.domain.errors import VenueUnavailable
from copydesk.domain.subscription import Environment
from web_support import EXECUTIONS, SIGNALS, eventually, running_hub

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SEED = 20261121
EXAMPLES = {"admin": 4, "provider": 2, "follower": 2, "nobody": 1}
INSIDE = ("Traceback", 'File \\"', "sqlalchemy", "site-packages")

# A request can fit its schema and still name a bot that is not there, or lack a key that its venue needs. And no schema
# says that a JSON number has at most 18 decimal places.
MORE_THAN_A_SCHEMA_SAYS = [
    *("subscribe", "create_account", "change_account"),
    *("create_bot", "change_bot", "change_subscription", "change_config", "pull_breaker"),
    *("set_notifications", "test_notifications"),
    # What time it is, is in no schema either; nor which symbols are traded.
    *("get_today", "get_glance", "preview_subscription", "send_test_signal"),
    # Nor how a position compares with the balance, nor how many decimal places a percentage may have.
    "start_backtest",
    # An alert has many spellings, and which of them go together is told in words (docs/tradingview.md).
    "receive_alert",
]


class OnLoopback:
    """A venue that never leaves this machine, whatever environment somebody asks for."""

    def __init__(self, venue):
        self._venue = venue

    def __getattr__(self, name):
        return getattr(self._venue, name)

    def open_session(self, account, credentials):
        if account.environment is not Environment.SIMULATOR:
            raise VenueUnavailable("only the simulator is within reach of this test")
        return self._venue.open_session(account, credentials)

    async def read_clock(self, environment):
        if environment is not Environment.SIMULATOR:
            raise VenueUnavailable("only the simulator is within reach of this test")
        return await self._venue.read_clock(environment)


class AllOnLoopback(Mapping):
    def __init__(self, venues):
        self._venues = venues

    def __getitem__(self, name):
        return OnLoopback(self._venues[name])

    def __iter__(self):
        return iter(self._venues)

    def __len__(self):
        return len(self._venues)


class Recorder:
    """ASGI: the texts of all answers, and how many of them were successes."""

    def __init__(self, app):
        self._app = app
        self.texts = []
        self.statuses = {}

    async def __call__(self, scope, receive, send):
        async def recording(message):
            if message["type"] == "http.response.start":
                status = message["status"]
                self.statuses[status] = self.statuses.get(status, 0) + 1
            elif message["type"] == "http.response.body" and not scope["path"].startswith(("/docs", "/openapi")):
                self.texts.append(message.get("body", b"").decode())
            await send(message)

        await self._app(scope, receive, recording)


@dataclass
class Served:
    url: str
    recorder: Recorder
    tokens: dict
    things: dict


@asynccontextmanager
async def served(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False))
    running = asyncio.get_running_loop().create_task(server.serve())
    try:
        await eventually(lambda: _started(server))
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def _started(server):
    return server.started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(simulator, tmp_path_factory):
    async with running_hub(tmp_path_factory.mktemp("schemathesis"), simulator_url=simulator.url) as desk:
        desk.app.state.hub = replace(desk.hub, venues=AllOnLoopback(desk.hub.venues))
        people = {role: await desk.person(role) for role in ("admin", "provider", "follower")}
        bot, secret = await desk.bot(people["provider"])
        account = await desk.futures_account(people["follower"], simulator)
        subscription = await desk.subscription(people["follower"], bot, account)
        await desk.alert(bot, secret, wait=2.5)
        things = {
            "bot_id": bot["id"],
            "user_id": (await desk.person()).user.id,
            "account_id": account["id"],
            "subscription_id": subscription["id"],
            "signal_id": (await people["follower"].items(SIGNALS))[0]["id"],
            "execution_id": (await people["follower"].items(EXECUTIONS))[0]["id"],
            "path": bot["master_webhook_path"],
            "secret": secret,
        }
        recorder = Recorder(desk.app)
        async with served(recorder) as url:
            tokens = {role: person.token for role, person in people.items()} | {"nobody": None}
            yield Served(url, recorder, tokens, things)


def configuration(things):
    """Ids of things that are there, so that more than "no such thing" is met."""
    lines = [
        "[parameters]",
        *(f'"path.{name}" = {json.dumps(value)}' for name, value in things.items() if name != "secret"),
        f'"query.secret" = {json.dumps(things["secret"])}',
        "[checks]",
        # Numbers may come as text, and text as numbers: the contract promises it.
        "negative_data_rejection.enabled = false",
    ]
    for name in MORE_THAN_A_SCHEMA_SAYS:
        lines += [
            "[[operations]]",
            f'include-operation-id = "{name}"',
            "checks.positive_data_acceptance.enabled = false",
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("role", EXAMPLES)
async def test_whatever_is_sent_by_anybody_the_answer_is_one_that_is_described(hub, role, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(configuration(hub.things))
    headers = [] if hub.tokens[role] is None else ["-H", f"Authorization: Bearer {hub.tokens[role]}"]
    phases = "examples,coverage,fuzzing" if role == "admin" else "examples,fuzzing"
    hub.recorder.texts.clear()

    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(tmp_path / "schemathesis.toml"), "run"),
        *(f"{hub.url}/openapi.json", *headers, "--phases", phases, "--seed", str(SEED), "--no-color"),
        *("--max-examples", str(EXAMPLES[role])),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    told = (await asked.communicate())[0].decode()

    assert asked.returncode == 0, told[-12_000:]
    assert len(hub.recorder.texts) > 36, "it met every route at least once"
    assert [text[:300] for text in hub.recorder.texts if any(word in text for word in INSIDE)] == []
