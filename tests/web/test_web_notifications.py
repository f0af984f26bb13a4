"""People are told over the network: what may be an address, what is shown of it, what is sent and when."""

import asyncio
import contextlib
import json
import logging
import socket
from datetime import timedelta

import pytest
import pytest_asyncio

from copydesk.notifiers.guard import NotPublic, only_public
from copydesk.web.limits import Limits
from web_support import AUDIT, assert_error, eventually, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACE = "/users/me/notifications"
TEST = f"{PLACE}/test"
TOKEN = "123456789:AAFqwertyuiopasdfghjklzxcvbnm123456"


class Receiver:
    """A real HTTP server on loopback that keeps what it gets, and answers as it is told."""

    def __init__(self):
        self.got, self.answer = [], b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async def take(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        body = await reader.readexactly(length)
        self.got.append((head.split(b"\r\n")[0].decode(), body.decode()))
        writer.write(self.answer)
        await writer.drain()
        writer.close()

    @property
    def messages(self):
        return [json.loads(body) for _, body in self.got]


@contextlib.asynccontextmanager
async def receiving():
    receiver = Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.address = f"json://127.0.0.1:{receiver.port}/a-secret-path"
    async with server:
        yield receiver


@pytest_asyncio.fixture(loop_scope="module")
async def receiver():
    async with receiving() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def friendly(simulator, tmp_path_factory):
    """A desk whose operator allows loopback."""
    folder = tmp_path_factory.mktemp("friendly")
    async with running_hub(folder, simulator_url=simulator.url, notification_hosts="127.0.0.1, localhost") as running:
        yield running


async def test_who_chose_nothing_is_told_of_trouble_nowhere(desk):
    person = await desk.person()

    answer = (await person.get(PLACE)).json()

    assert (answer["addresses"], answer["quiet_hours"]) == ([], None)
    assert {"order_failed", "needs_a_person", "position_unprotected"} <= set(answer["kinds"])
    assert "order_filled" not in answer["kinds"]


async def test_addresses_go_in_and_never_come_out(desk):
    person = await desk.person("provider")
    wish = {"addresses": [f"tgram://{TOKEN}/987654321/"], "kinds": ["order_filled", "signal_received"]}

    put = await person.put(PLACE, json=wish)
    kept = await person.put(PLACE, json={"kinds": ["order_failed"]})

    assert put.json()["addresses"] == [{"scheme": "tgram", "hint": "…4321"}]
    assert put.json()["kinds"] == ["order_filled", "signal_received"]
    assert (kept.json()["addresses"], kept.json()["kinds"]) == (put.json()["addresses"], ["order_failed"])
    assert TOKEN not in put.text + kept.text + (await person.get(PLACE)).text
    database = b"".join(path.read_bytes() for path in desk.folder.glob("copydesk.db*"))
    assert TOKEN.encode() not in database
    gone = await person.put(PLACE, json={"addresses": []})
    assert gone.json()["addresses"] == []


async def test_a_change_is_in_the_audit_log_without_the_address(desk):
    person, admin = await desk.person(), await desk.person("admin")
    await person.put(PLACE, json={"addresses": [f"tgram://{TOKEN}/987654321/"]})

    line = next(one for one in await admin.items(AUDIT) if one["subject"] == person.user.id)

    assert (line["action"], line["details"]) == ("user.notifications", {"addresses": ["tgram"]})


async def test_everybody_has_notifications_of_their_own(desk):
    one, other = await desk.person(), await desk.person()
    await one.put(PLACE, json={"addresses": [f"tgram://{TOKEN}/987654321/"], "kinds": []})

    assert (await other.get(PLACE)).json()["addresses"] == []


NOT_TAKEN = {
    "a word": "telegram",
    "a web page": "https://example.com/hook",
    "a program": "exec://reboot",
    "a file": "file:///etc/passwd",
    "the system's log": "syslog://",
    "a log elsewhere": "rsyslog://example.com",
    "the desktop": "dbus://",
    "windows": "windows://",
    "a mac": "macosx://",
    "a queue": "mqtt://example.com/topic",
    "a chat over sockets": "irc://example.com/#channel",
    "a template from the disk": f"discord://{'1' * 18}/{'a' * 68}?template=/etc/passwd",
    "a key from the disk": "mailto://me:password@gmail.com?pgp=encrypt&pgppub=/etc/passwd",
    "certificates unchecked": f"slack://{'T' * 9}/{'B' * 9}/{'c' * 24}?verify=no",
    "redirects followed": "json://example.com/hook?redirect=yes",
    "a service that needs more": "tgram://short",
    "a line break": "json://example.com/\r\nHost: evil",
    "loopback": "json://127.0.0.1/hook",
    "loopback by name": "json://localhost/hook",
    "loopback in IPv6": "json://[::1]/hook",
    "loopback in IPv6's IPv4": "json://[::ffff:127.0.0.1]/hook",
    "loopback in one number": "json://2130706433/hook",
    "a private network": "ntfys://10.1.2.3/topic",
    "the cloud's own door": "form://169.254.169.254/latest/meta-data",
    "nowhere": "gotify://0.0.0.0/AbCdEfGhIjKlMnO",
    "a mail server inside": "mailto://me:password@example.com?smtp=192.168.1.1",
    "a host that is none": "json://no-such-host.invalid/hook",
}


@pytest.mark.parametrize("address", NOT_TAKEN.values(), ids=NOT_TAKEN)
async def test_an_address_that_leads_elsewhere_or_inside_is_refused(desk, address):
    person = await desk.person()

    answer = await person.put(PLACE, json={"addresses": [f"tgram://{TOKEN}/987654321/", address]})

    error = assert_error(answer, 422)
    assert [one["field"] for one in error["details"]["fields"]] == ["addresses.1"]
    _, _, rest = address.partition("://")
    assert not rest or rest not in answer.text
    assert "password" not in answer.text
    assert (await person.get(PLACE)).json()["addresses"] == []


BAD_WISHES = {
    "a kind nobody knows": {"kinds": ["lottery"]},
    "six addresses": {"addresses": [f"tgram://{TOKEN}/987654321/"] * 6},
    "no such zone": {"quiet_hours": {"start": "22:00", "end": "07:00", "time_zone": "Mars/Olympus"}},
    "a zone out of the folder": {"quiet_hours": {"start": "22:00", "end": "07:00", "time_zone": "../../etc/passwd"}},
    "no time": {"quiet_hours": {"start": "late", "end": "07:00", "time_zone": "UTC"}},
    "a time with an offset": {"quiet_hours": {"start": "22:00+01:00", "end": "07:00", "time_zone": "UTC"}},
    "a word nobody knows": {"adresses": []},
}


@pytest.mark.parametrize("wish", BAD_WISHES.values(), ids=BAD_WISHES)
async def test_a_wish_that_cannot_be_is_refused_whole(desk, wish):
    person = await desk.person()

    assert_error(await person.put(PLACE, json={"kinds": [], **wish}), 422)

    assert (await person.get(PLACE)).json()["kinds"] != []


async def test_a_test_message_really_arrives(friendly, receiver):
    person = await friendly.person()
    put = await person.put(PLACE, json={"addresses": [receiver.address]})

    answer = (await person.post(TEST)).json()

    shown = {"scheme": "json", "hint": "127.0.0.1/…"}
    assert put.json()["addresses"] == [shown]
    assert answer == {"success": True, "results": [{**shown, "sent": True, "problem": None}]}
    assert receiver.got[0][0] == "POST /a-secret-path HTTP/1.1"
    assert receiver.messages[0]["title"] == "copydesk: a test"
    assert person.user.username in receiver.messages[0]["message"]


async def test_each_address_says_for_itself_why_it_was_not_sent(friendly, receiver):
    person = await friendly.person()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    addresses = [receiver.address, f"json://me:hush-hush@127.0.0.1:{port}/another-secret"]
    await person.put(PLACE, json={"addresses": addresses})
    receiver.answer = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"

    answer = await person.post(TEST)

    problems = [one["problem"] for one in answer.json()["results"]]
    assert answer.json()["success"] is False
    assert "401" in problems[0]
    assert "onnection" in problems[1]
    assert "hush-hush" not in answer.text
    assert "secret" not in answer.text


async def test_a_redirect_is_not_followed(friendly, receiver):
    person = await friendly.person()
    async with receiving() as other:
        receiver.answer = (
            f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{other.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        )
        await person.put(PLACE, json={"addresses": [receiver.address]})

        answer = (await person.post(TEST)).json()

    assert (answer["success"], len(receiver.got), other.got) == (False, 1, [])


async def test_without_an_address_there_is_nothing_to_test(desk):
    assert_error(await (await desk.person()).post(TEST), 422)


async def test_the_guard_stands_where_the_connection_is_made(receiver):
    def connect(allowed):
        with only_public(allowed):
            socket.create_connection(("127.0.0.1", receiver.port)).close()

    with pytest.raises(NotPublic, match=r"127\.0\.0\.1"):
        await asyncio.to_thread(connect, [])
    await asyncio.to_thread(connect, ["127.0.0.1"])
    # And nowhere else: this thread connects as it likes.
    socket.create_connection(("127.0.0.1", receiver.port)).close()


async def test_a_name_that_changes_its_address_after_the_check_leads_nowhere(desk, receiver, monkeypatch):
    person = await desk.person()
    real, asked = socket.getaddrinfo, []

    def changing(host, *arguments, **more):
        if host != "changing.example":
            return real(host, *arguments, **more)
        asked.append(host)
        return real("8.8.8.8" if len(asked) <= 2 else "127.0.0.1", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    address = f"json://changing.example:{receiver.port}/"
    assert (await person.put(PLACE, json={"addresses": [address]})).status_code == 200

    answer = (await person.post(TEST)).json()

    assert len(asked) == 3
    assert (answer["success"], receiver.got) == (False, [])


async def test_what_goes_wrong_is_told_in_one_message(friendly, simulator, receiver):
    follower, provider = await friendly.person(), await friendly.person("provider")
    bot, secret = await friendly.bot(provider, name="Trend", default_margin_usd="1")
    account = await friendly.futures_account(follower, simulator, name="Savings")
    await friendly.subscription(follower, bot, account)
    kinds = ["order_skipped", "order_filled"]
    await follower.put(PLACE, json={"addresses": [receiver.address], "kinds": kinds})
    await provider.put(PLACE, json={"addresses": [receiver.address], "kinds": ["signal_received"]})

    for _ in range(3):
        await friendly.alert(bot, secret, wait=2)
    found = await eventually(lambda: _both(receiver), within_s=20)

    told = {one["message"].split(" ", 1)[1] for one in found}
    assert any(line.startswith("Trend: buy BTCUSDT (×3)") for line in told)
    assert any(line.startswith("Savings: open BTCUSDT (Trend) is SKIPPED: Quantity") for line in told)
    assert {one["title"] for one in found} == {"copydesk: 3 events (times in UTC)"}


async def _both(receiver):
    return receiver.messages if len(receiver.messages) >= 2 else None


async def test_in_quiet_hours_nothing_is_sent_until_they_end(start_hub_with_notifications, receiver):
    async with start_hub_with_notifications() as desk:
        follower, provider = await desk.person(), await desk.person("provider")
        bot, secret = await desk.bot(provider)
        await desk.subscription(follower, bot, await desk.paper_account(follower))
        now = desk.hub.clock.now()
        quiet = {"start": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(hours=1):%H:%M}"}
        wish = {
            "addresses": [receiver.address],
            "kinds": ["signal_received"],
            "quiet_hours": {**quiet, "time_zone": "UTC"},
        }
        await provider.put(PLACE, json=wish)

        await desk.alert(bot, secret)
        desk.hub.clock.forward(seconds=10)
        await asyncio.sleep(2.5)
        assert receiver.got == []

        desk.hub.clock.forward(hours=2)
        assert await eventually(lambda: _one(receiver))


async def _one(receiver):
    return receiver.messages


@pytest.fixture
def start_hub_with_notifications(tmp_path, simulator):
    return lambda: running_hub(tmp_path, simulator_url=simulator.url, notification_hosts="127.0.0.1")


class Lines(logging.Handler):
    """What an operator's log would hold."""

    def __init__(self):
        super().__init__()
        self.names = []

    def emit(self, record):
        self.names.append(record.name)


async def test_apprise_s_own_log_stays_out_of_the_operator_s(friendly, receiver):
    person, lines = await friendly.person(), Lines()
    receiver.answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    logging.getLogger().addHandler(lines)
    try:
        logging.getLogger("elsewhere").warning("it does listen")
        await person.put(PLACE, json={"addresses": [receiver.address, "tgram://short"]})
        await person.put(PLACE, json={"addresses": [receiver.address]})
        await person.post(TEST)
    finally:
        logging.getLogger().removeHandler(lines)

    assert len(receiver.got) == 1
    assert "elsewhere" in lines.names
    assert "apprise" not in lines.names


async def test_tests_are_counted_for_they_leave_for_other_people_s_servers(tmp_path, simulator):
    async with running_hub(tmp_path, simulator_url=simulator.url, limits=Limits()) as desk:
        person = await desk.person()
        answers = [await person.post(TEST) for _ in range(4)]

    assert [one.status_code for one in answers] == [422, 422, 422, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
