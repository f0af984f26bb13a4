"""Signatures against vectors that others made, and against everything that is almost one."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from copydesk.domain.signing import canonical_v0, sign_v0, sign_v1, verify_v0, verify_v1
from store_support import PROPERTY

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
SECONDS = 1735689600
BODY = '{"master_ticket": 1, "comment": "saída"}'.encode()

# (token, timestamp, body as sent, canonical text, signature), made by an independent program.
V0_VECTORS = [
    (
        "test-jwt-token",
        "1735689600000",
        '{"master_ticket":123456,"symbol":"EURUSD","type":"BUY","volume":0.1,"price":1.085,"sl":1.08,"tp":1.09}',
        '1735689600000.{"master_ticket":123456,"price":1.085,"sl":1.08,"symbol":"EURUSD","tp":1.09,"type":"BUY","volume":0.1}',
        "f9c9608ea1ce1c7971193f2496c1ef57cb8b37c82fe67091ff6bacff1bc46c67",
    ),
    (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJtYXN0ZXIifQ.c2ln",
        "1737000000123",
        (
            '{"master_ticket": 987654321012, "symbol": "XAUUSD.m", "type": "SELL", "volume": 1.0, "price": 2650.5, '
            '"sl": 0.0, "tp": 0.00001, "comment": "saída São José"}'
        ),
        (
            '1737000000123.{"comment":"sa\\u00edda S\\u00e3o Jos\\u00e9","master_ticket":987654321012,"price":2650.5,"sl":0.0,'
            '"symbol":"XAUUSD.m","tp":1e-05,"type":"SELL","volume":1.0}'
        ),
        "840f10ea85a40629c41bb5b41632159bfb0b397d7235360059737f2fba364d4b",
    ),
    (
        "test-jwt-token",
        "1735689600001",
        (
            '{"event":"CLOSE","master_ticket":123456,"volume":3,"partial":true,"ref":null,'
            '"meta":{"b":[1,2.5,1e16,123456789012345680.0],"a":"x\\"/\\\\"}}'
        ),
        (
            '1735689600001.{"event":"CLOSE","master_ticket":123456,"meta":{"a":"x\\"/\\\\","b":[1,2.5,1e+16,'
            '1.2345678901234568e+17]},"partial":true,"ref":null,"volume":3}'
        ),
        "e7518f5aa760e878230bbccadb5a8b45172dac2775a5db947be5301d7723a874",
    ),
]


@pytest.mark.parametrize(("token", "timestamp", "body", "canonical", "signature"), V0_VECTORS)
def test_v0_signatures_are_those_of_the_vectors(token, timestamp, body, canonical, signature):
    payload = json.loads(body)

    assert canonical_v0(timestamp, payload) == canonical
    assert sign_v0(token, timestamp, payload) == signature
    signed = verify_v0(token, timestamp=timestamp, signature=signature, payload=payload)
    assert signed.at.timestamp() * 1000 == int(timestamp)


ALMOST_V0 = {
    "another token": {"token": "test-jwt-tokem"},
    "another time": {"timestamp": "1735689600001"},
    "another payload": {"payload": {"master_ticket": 2}},
    "a number written otherwise": {"payload": {"master_ticket": 1.0}},
    "upper case": {"signature": "upper"},
    "nothing": {"signature": ""},
    "letters that are not ASCII": {"signature": "é" * 64},
    "a time that is no number": {"timestamp": "now"},
    "digits that are not ASCII": {"timestamp": "١٧٣٥٦٨٩٦٠٠٠٠٠"},
    "a time beyond every calendar": {"timestamp": "9" * 40},
    "no number at all": {"payload": {"master_ticket": float("nan")}},
}


@pytest.mark.parametrize("change", ALMOST_V0.values(), ids=ALMOST_V0)
def test_what_is_almost_a_v0_signature_is_none(change):
    right = {"token": "test-jwt-token", "timestamp": "1735689600000", "payload": {"master_ticket": 1}}
    signature = sign_v0(right["token"], right["timestamp"], right["payload"])
    assert verify_v0(**right, signature=signature)
    given_signature = change.get("signature", signature)

    shown = {**right, "signature": signature, **change}
    shown["signature"] = signature.upper() if given_signature == "upper" else given_signature

    assert verify_v0(**shown) is None


def verified(secrets=(SECRET,), message_id="msg_1", timestamp=str(SECONDS), signature=None, body=BODY):
    right = sign_v1(SECRET, message_id="msg_1", seconds=SECONDS, body=BODY)
    return verify_v1(
        secrets,
        message_id=message_id,
        timestamp=timestamp,
        signature=right if signature is None else signature,
        body=body,
    )


def test_a_v1_signature_is_the_one_of_the_standard_s_own_example():
    # https://www.standardwebhooks.com, the example of its libraries' tests.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'

    signature = sign_v1(secret, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", seconds=1614265330, body=body)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_standard_s_own_library_verifies_what_we_sign():
    seconds = int(datetime.now(UTC).timestamp())

    signature = sign_v1(SECRET, message_id="msg_1", seconds=seconds, body=BODY)

    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(seconds), "webhook-signature": signature}
    assert Webhook(SECRET).verify(BODY, headers) == json.loads(BODY)


def test_a_right_v1_signature_tells_when_it_was_made():
    signed = verified()

    assert (signed.at, signed.identity) == (datetime(2025, 1, 1, tzinfo=UTC), "v1:msg_1")


def test_either_of_two_secrets_and_any_of_several_signatures_will_do():
    right = sign_v1(SECRET, message_id="msg_1", seconds=SECONDS, body=BODY)

    assert verified(secrets=(OTHER, SECRET))
    assert verified(signature=f"v1,bm90IHRoaXM= v2,whatever {right}")


RIGHT = sign_v1(SECRET, message_id="msg_1", seconds=SECONDS, body=BODY)
ALMOST_V1 = {
    "another secret": {"secrets": (OTHER,)},
    "no secret": {"secrets": ()},
    "another id": {"message_id": "msg_2"},
    "no id": {"message_id": ""},
    "another time": {"timestamp": str(SECONDS + 1)},
    "a fraction of a second": {"timestamp": f"{SECONDS}.0"},
    "a time that is no number": {"timestamp": "nan"},
    "another body": {"body": BODY + b" "},
    "a body that is no text": {"body": b"\xff"},
    "no signature": {"signature": ""},
    "without its version": {"signature": RIGHT.removeprefix("v1,")},
    "another version": {"signature": RIGHT.replace("v1,", "v0,")},
    "cut short": {"signature": RIGHT[:-1]},
    "parted by a comma": {"signature": RIGHT + "," + RIGHT},
    "letters that are not ASCII": {"signature": "v1,é"},
}


@pytest.mark.parametrize("change", ALMOST_V1.values(), ids=ALMOST_V1)
def test_what_is_almost_a_v1_signature_is_none(change):
    assert verified()

    assert verified(**change) is None


@PROPERTY
@given(
    payload=st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=5,
    ),
    indent=st.sampled_from([None, 1, 4]),
)
def test_v0_does_not_mind_how_the_same_json_is_written(payload, indent):
    sent = json.dumps(payload, indent=indent, ensure_ascii=False)

    signature = sign_v0("token", "1735689600000", payload)

    assert verify_v0("token", timestamp="1735689600000", signature=signature, payload=json.loads(sent))
