"""What goes into a column comes out of it: money to the last digit, times to the microsecond, JSON as it was."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from msgspec.structs import replace

from copydesk.domain.execution import State
from store_support import NOW, make_execution


@pytest.mark.parametrize(
    "text",
    [
        "0.000000000000000001",
        "123456789012345678.123456789012345678",
        "-0.000000000000000001",
        "0",
        "1E+3",
        "99999999999999999999999999999999999999.999999999999999999",
        "0.1000",
    ],
)
async def test_decimals_come_back_exact_to_eighteen_places(store, desk, text):
    signal = desk.signal(price=Decimal(text))

    await store.write(lambda tables: tables.signals.add(signal))
    kept = await store.read(lambda tables: tables.signals.get(signal.id))

    assert kept.price == Decimal(text)
    assert isinstance(kept.price, Decimal)


@pytest.mark.parametrize("microsecond", [0, 1, 999_999, 891_234])
async def test_times_come_back_in_utc_to_the_microsecond(store, desk, microsecond):
    here = timezone(timedelta(hours=5, minutes=45))
    at = datetime(2026, 1, 1, 2, 3, 4, microsecond, tzinfo=here)
    signal = desk.signal(received_at=at)

    await store.write(lambda tables: tables.signals.add(signal))
    kept = await store.read(lambda tables: tables.signals.get(signal.id))

    assert kept.received_at == at
    assert kept.received_at.utcoffset() == timedelta(0)
    assert kept.received_at.microsecond == microsecond


async def test_times_are_compared_as_times_and_not_as_text(store, desk):
    signal = desk.signal()
    whole_second = NOW.replace(microsecond=0)
    late = desk.execution(signal, state=State.UNKNOWN, next_look_at=whole_second + timedelta(microseconds=1))
    early = desk.execution(signal, leg="close", state=State.UNKNOWN, next_look_at=whole_second)

    await store.write(lambda tables: (tables.signals.add(signal), tables.executions.add([late, early])))
    due = await store.read(lambda tables: tables.executions.to_settle(whole_second))

    assert [one.id for one in due] == [early.id]


async def test_nested_json_comes_back_as_it_was(store, desk):
    payload = {"a": [1, 2.5, None, True, {"b": "ü € 🙂"}], "empty": {}, "text": '"quoted"\\'}
    signal = desk.signal(payload=payload)

    await store.write(lambda tables: tables.signals.add(signal))
    kept = await store.read(lambda tables: tables.signals.get(signal.id))

    assert kept.payload == payload


async def test_an_empty_request_is_not_confused_with_none(store, desk):
    signal = desk.signal()
    without = desk.execution(signal, request=None)
    with_empty = desk.execution(signal, leg="close", request={})

    await store.write(lambda tables: (tables.signals.add(signal), tables.executions.add([without, with_empty])))
    kept = await store.read(lambda tables: tables.executions.of_signal(signal.id))

    assert [one.request for one in kept] == [None, {}]


async def test_decimals_in_json_become_text(store, desk):
    signal = desk.signal()
    execution = desk.execution(signal, state=State.SENDING)
    await store.write(lambda tables: (tables.signals.add(signal), tables.executions.add([execution])))

    unknown = replace(execution, state=State.UNKNOWN)
    evidence = {"executed": Decimal("0.001")}
    await store.write(lambda tables: tables.executions.move(execution, unknown, at=NOW, evidence=evidence))
    lines = await store.read(lambda tables: tables.history.timeline([execution.id]))

    assert lines[execution.id][-1].evidence == {"executed": "0.001"}


async def test_every_field_of_an_execution_comes_back(store, desk):
    signal = desk.signal()
    full = desk.execution(
        signal,
        leg="stop_loss:2",
        state=State.WORKING,
        version=7,
        reason="it had to wait",
        plan={"rule": "r", "inputs": {"price_tick": "0.1"}, "numbers": {}},
        executed_quantity=Decimal("0.0005"),
        executed_price=Decimal("95200.123456789012345678"),
        fee_usd=Decimal("0.000000000000000001"),
        base_fee=Decimal("0.00000047"),
        trigger_price=Decimal("93296.1"),
        fraction=Decimal("0.3333333333333333333333333333"),
        exchange_order_id="8886774",
        client_order_id="cd-x-2",
        attempt=2,
        request={"symbol": "BTCUSDT", "timestamp": "1772600767891"},
        request_hash="ab" * 32,
        frozen_at=NOW,
        settle_at=NOW + timedelta(seconds=15),
        absent_seen=1,
        next_look_at=NOW + timedelta(seconds=1),
        cancel_wanted=True,
        execution_time_ms=41,
    )
    untouched = make_execution()

    await store.write(lambda tables: (tables.signals.add(signal), tables.executions.add([full])))
    kept = await store.read(lambda tables: tables.executions.get(full.id))

    assert kept == full
    same = {"symbol", "side", "direction", "requested_quantity", "expires_at", "created_at", "updated_at"}
    defaulted = {name for name in full.__struct_fields__ if getattr(full, name) == getattr(untouched, name)}
    assert defaulted == same, "a field that this test leaves at its default proves nothing"
    assert kept.created_at.tzinfo is UTC
