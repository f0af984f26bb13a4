"""Messages of every kind over HTTP: several instructions at once, secrets wherever they stand, and never a server error."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from web_support import SIGNALS, WEBHOOK, assert_error

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def new_bot(desk, **wish):
    provider = await desk.person("provider")
    bot, secret = await desk.bot(provider, **wish)
    return provider, bot, secret


async def send(desk, bot, body, **query):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await desk.nobody.post(f"{WEBHOOK}/{bot['master_webhook_path']}", content=content, params=query)


REVERSAL = [{"ticker": "BTCUSDT", "action": "close"}, {"ticker": "BTCUSDT", "action": "short"}]


async def test_several_instructions_are_several_signals_in_their_order(desk):
    provider, bot, secret = await new_bot(desk)

    answer = (await send(desk, bot, [one | {"secret": secret} for one in REVERSAL])).json()

    assert answer["signal_id"] == answer["signal_ids"][0]
    signals = [(await provider.get(f"{SIGNALS}/{one}")).json() for one in answer["signal_ids"]]
    assert [one["action"] for one in signals] == ["close", "open_short"]
    assert answer["duplicate"] is False
    assert len(await provider.items(SIGNALS)) == 2


async def test_a_single_instruction_is_listed_too(desk):
    _, bot, secret = await new_bot(desk)

    answer = (await desk.alert(bot, secret)).json()

    assert answer["signal_ids"] == [answer["signal_id"]]


async def test_a_repeat_of_several_is_answered_with_all_of_the_first_signals(desk):
    provider, bot, secret = await new_bot(desk)
    alert = [one | {"secret": secret, "id": "the same for both"} for one in REVERSAL]

    first, again = [(await send(desk, bot, alert)).json() for _ in range(2)]

    assert again["signal_ids"] == first["signal_ids"]
    assert len(set(first["signal_ids"])) == 2
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert len(await provider.items(SIGNALS)) == 2


NONE_OF_THEM = {
    "not understood": ({"action": "hodl"}, "[1].action", "not_understood"),
    "a symbol nobody trades": ({"ticker": "BTCUSTD"}, "[1].ticker", "unknown_symbol"),
    "more than all": ({"action": "close", "size": "101%"}, "[1].action", "meaningless_signal"),
    "a contradiction": ({"action": "sell", "market_position": "long"}, "[1].action", "meaningless_signal"),
    "another secret": ({"secret": "of another bot entirely"}, "[1].secret", "not_understood"),
}


@pytest.mark.parametrize("case", NONE_OF_THEM)
async def test_of_several_instructions_all_are_taken_or_none(desk, case):
    words, field, code = NONE_OF_THEM[case]
    provider, bot, secret = await new_bot(desk)
    order = {"secret": secret, "ticker": "BTCUSDT", "action": "buy"}

    answer = await send(desk, bot, [order, order | words, order])

    error = assert_error(answer, 422, code)
    assert [one["field"] for one in error["details"]["fields"]] == [field]
    assert field in error["message"]
    assert await provider.items(SIGNALS) == []
    assert (await send(desk, bot, [order, order])).json()["duplicate"] is False


async def test_a_later_instruction_starts_from_where_the_one_before_it_leads(desk):
    """Long, then a bare sell: what the sell means depends on what the alert itself said first."""
    provider, bot, secret = await new_bot(desk)
    order = {"secret": secret, "ticker": "BTCUSDT", "action": "long"}

    answer = (await send(desk, bot, [order, order | {"action": "sell"}])).json()

    signals = [(await provider.get(f"{SIGNALS}/{one}")).json() for one in answer["signal_ids"]]
    steps = [[(step["leg"], step["direction"]) for step in one["steps"]] for one in signals]
    assert steps == [[("open", "long")], [("close", "long")]]


async def test_waiting_for_several_means_all_of_them(desk):
    _, bot, secret = await new_bot(desk)
    follower = await desk.person()
    await desk.subscription(follower, bot, await desk.paper_account(follower))
    await desk.alert(bot, secret, wait=2.5)

    answer = await send(desk, bot, [one | {"secret": secret} for one in REVERSAL], wait=2.5)

    stats = answer.json()["broadcast_stats"]
    assert (stats["total_subscribers"], stats["successful_executions"]) == (1, 2)


TEXTS = {
    "the first line": "{secret}\nlong BTCUSDT q=0.1",
    "the first line of windows": "{secret}\r\nlong BTCUSDT q=0.1\r\n",
    "a first line before JSON": '{secret}\n{{"ticker": "BTCUSDT", "action": "long"}}',
    "named among values": "secret={secret};symbol=BTCUSDT;action=long",
    "named in quotes": "secret='{secret}'; symbol=BTCUSDT; action=long",
    "named in double quotes": 'symbol=BTCUSDT; action=long; secret="{secret}"',
    "named in a command": "s=BTCUSDT b=long q=1% passphrase={secret}",
    "named on a line": "token: {secret}\nSymbol: BTCUSDT\nAction: long",
    "named before a sentence": "key={secret}\nlong BTCUSDT",
    "single quotes": "{{'ticker': 'BTCUSDT', 'action': 'long', 'signalToken': '{secret}'}}",
    "doubled quotes": '{{""ticker"": ""BTCUSDT"", ""action"": ""long"", ""secret"": ""{secret}""}}',
    "inside a text inside JSON": '{{"message": "{{\\"ticker\\": \\"BTCUSDT\\", \\"action\\": \\"long\\", \\"key\\": \\"{secret}\\"}}"}}',
    "twice": "{secret}\nlong BTCUSDT comment={secret}",
}


@pytest.mark.parametrize("case", TEXTS)
async def test_the_secret_is_found_in_every_kind_of_message_and_kept_in_none(desk, case):
    provider, bot, secret = await new_bot(desk)
    body = TEXTS[case].format(secret=secret).encode()
    wrong = TEXTS[case].format(secret="x" + secret).encode()

    answer = await send(desk, bot, body)

    assert answer.status_code == 200, answer.text
    signal = await provider.get(f"{SIGNALS}/{answer.json()['signal_id']}")
    assert (signal.json()["symbol"], signal.json()["action"]) == ("BTCUSDT", "open_long")
    assert secret not in signal.text
    assert_error(await send(desk, bot, wrong), 401)


@pytest.mark.parametrize(
    "body", ['{"secret": "%s", "ticker": "BTCUSDT"', "%s\nto the moon", "secret=%s;symbol=BTCUSDT"]
)
async def test_a_sender_who_is_known_is_told_what_is_broken(desk, body):
    """A 401 for a message that is only broken would send people looking for the wrong mistake."""
    _, bot, secret = await new_bot(desk)

    answer = await send(desk, bot, (body % secret).encode())

    assert_error(answer, 422, "not_understood")
    assert secret not in answer.text


async def test_what_a_text_said_is_stored_beside_what_was_read_in_it(desk):
    provider, bot, secret = await new_bot(desk)

    answer = await send(desk, bot, f"{secret}\nlong BTCUSDT q=0.1 sl=1000".encode())

    signal = (await provider.get(f"{SIGNALS}/{answer.json()['signal_id']}")).json()
    assert signal["payload"] == {
        "action": "long",
        "symbol": "BTCUSDT",
        "quantity": "0.1",
        "sl": "1000",
        "text": "long BTCUSDT q=0.1 sl=1000",
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode(errors="replace"))
    | st.lists(
        st.sampled_from(["buy", " ", "BTCUSDT", ",", "|", "=", "\n", "{", "}", "[", "]", '"', ":", "action", "symbol"]),
        max_size=20,
    ).map(lambda parts: "".join(parts).encode())
)
async def test_no_body_at_all_is_a_server_error(desk, body):
    if not hasattr(desk, "fuzzed"):
        desk.fuzzed = (await new_bot(desk))[1:]
    bot, secret = desk.fuzzed

    answer = await send(desk, bot, body, secret=secret)

    assert answer.status_code in {200, 422}, answer.text


async def test_the_second_instruction_waits_for_the_first_at_the_venue(desk, simulator):
    """A reversal in two instructions: whoever sold to open before the close was through would be flat in the end."""
    _, bot, secret = await new_bot(desk)
    follower, key = await desk.person(), await simulator.key()
    await desk.subscription(follower, bot, await desk.futures_account(follower, simulator, **key))
    await desk.alert(bot, secret, wait=2.5)

    answer = await send(desk, bot, [one | {"secret": secret} for one in REVERSAL], wait=2.5)

    assert answer.json()["broadcast_stats"]["successful_executions"] == 2
    orders = [one for one in await simulator.orders(key["api_key"]) if one["status"] == "FILLED"]
    assert [(one["side"], one["reduce_only"]) for one in orders] == [("BUY", False), ("SELL", True), ("SELL", False)]
