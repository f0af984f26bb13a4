"""What people are told and where, on both databases."""

from datetime import time

import pytest
from msgspec.structs import replace

from copydesk.domain.execution import State
from copydesk.domain.notice import DEFAULT_KINDS, Choices, Destination, NoticeKind, QuietHours
from copydesk.domain.signal import SourceKind
from copydesk.stores import tables as schema
from store_support import NOW

ADDRESS = "tgram://123456789:a-very-secret-token/42/"
SHOWN = Destination(scheme="tgram", hint="…n/42")
NIGHT = QuietHours(start=time(22, 30), end=time(7), time_zone="Europe/Lisbon")
CHOICES = Choices(kinds=frozenset({NoticeKind.ORDER_FILLED, NoticeKind.BREAKER}), quiet_hours=NIGHT)


async def test_who_has_chosen_nothing_has_the_usual_kinds_and_is_not_told(store, desk):
    wanted = await store.read(lambda tables: tables.notices.wanted(desk.follower.id))

    assert wanted == Choices(kinds=DEFAULT_KINDS, quiet_hours=None)
    assert await store.read(lambda tables: tables.notices.addresses(desk.follower.id)) == []
    assert await store.read(lambda tables: tables.notices.choices([desk.follower.id])) == {}


async def test_choices_come_back_and_addresses_are_kept_sealed(store, database, desk):
    user = desk.follower.id
    await store.write(lambda tables: tables.notices.save(user, CHOICES, [(SHOWN, ADDRESS)], NOW))
    quiet = replace(CHOICES, quiet_hours=None)

    kept = await store.read(lambda tables: tables.notices.wanted(user))
    await store.write(lambda tables: tables.notices.save(user, quiet, None, NOW))

    assert kept == CHOICES
    assert await store.read(lambda tables: tables.notices.wanted(user)) == quiet
    assert await store.read(lambda tables: tables.notices.addresses(user)) == [ADDRESS]
    assert await store.read(lambda tables: tables.notices.destinations(user)) == [SHOWN]
    assert await store.read(lambda tables: tables.notices.choices([user, desk.provider.id])) == {user: quiet}
    stored = await database.read(lambda connection: connection.execute(schema.user_notifications.select()).one())
    assert "secret" not in str(stored)


async def test_who_took_their_addresses_away_is_told_nothing_more(store, desk):
    user = desk.follower.id
    await store.write(lambda tables: tables.notices.save(user, CHOICES, [(SHOWN, ADDRESS)], NOW))

    await store.write(lambda tables: tables.notices.save(user, CHOICES, [], NOW))

    assert await store.read(lambda tables: tables.notices.choices([user])) == {}


async def test_an_address_moved_to_another_user_does_not_open(store, database, desk):
    await store.write(lambda tables: tables.notices.save(desk.follower.id, CHOICES, [(SHOWN, ADDRESS)], NOW))

    def move(connection):
        connection.execute(schema.user_notifications.update().values(user_id=desk.provider.id))

    await database.write(move)

    with pytest.raises(ValueError, match="does not open"):
        await store.read(lambda tables: tables.notices.addresses(desk.provider.id))


async def test_moves_are_read_in_order_with_what_it_takes_to_tell_them(store, desk):
    signal = desk.signal()
    sending = desk.execution(signal, state=State.SENDING, plan={"rule": "margin"})
    filled = replace(sending, state=State.FILLED, executed_quantity=sending.requested_quantity, reason="done")

    def work(tables):
        tables.signals.add(signal)
        tables.executions.add([sending])
        tables.executions.move(sending, filled, at=NOW)

    before = await store.read(lambda tables: tables.notices.latest())
    await store.write(work)

    moves = await store.read(lambda tables: tables.notices.moves_after(before[0], 10))
    assert [fact.state for _, fact in moves] == [State.SENDING, State.FILLED]
    number, fact = moves[-1]
    assert (fact.owner_id, fact.bot_name, fact.account_name) == (desk.follower.id, desk.bot.name, desk.account.name)
    assert (fact.symbol, fact.action, fact.reason, fact.rule) == ("BTCUSDT", "open", "done", "margin")
    assert (fact.quantity, fact.key_is_refused, fact.desk_says) == (sending.requested_quantity, False, None)
    assert await store.read(lambda tables: tables.notices.moves_after(number, 10)) == []
    assert await store.read(lambda tables: tables.notices.moves_after(before[0], 1)) == moves[:1]
    assert await store.read(lambda tables: tables.notices.latest()) == (number, signal.id, "")


async def test_a_key_that_is_refused_and_what_the_desk_decides_can_be_told_apart(store, desk):
    signal = desk.signal(source=SourceKind.DESK, payload={"why": "breaker: flatten all"})
    rejected = desk.execution(signal, state=State.SKIPPED)

    def work(tables):
        tables.signals.add(signal)
        tables.executions.add([rejected])
        tables.followers.refuse_key(desk.account.id, "no such key", NOW)

    await store.write(work)

    [(_, fact)] = await store.read(lambda tables: tables.notices.moves_after(0, 10))
    assert (fact.key_is_refused, fact.desk_says) == (True, {"why": "breaker: flatten all"})


async def test_a_provider_hears_of_people_s_signals_and_not_of_the_desk_s(store, desk):
    first, own, second = desk.signal(), desk.signal(source=SourceKind.DESK), desk.signal()

    await store.write(lambda tables: [tables.signals.add(one) for one in (second, own, first)])

    told = await store.read(lambda tables: tables.notices.signals_after("", 10))
    assert [signal_id for signal_id, _ in told] == [first.id, second.id]
    assert {fact.owner_id for _, fact in told} == {desk.provider.id}
    assert await store.read(lambda tables: tables.notices.signals_after(first.id, 10)) == told[1:]
