"""A master's tickets and the secrets its messages are signed with, on both databases."""

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.bot import BotStatus
from copydesk.domain.signal import Direction, OrderKind, SourceKind, TicketChange, Waiting
from copydesk.domain.tickets import Ticket
from store_support import NOW, make_bot, new_desk

LARGEST = 2**63 - 1
WAITING = Waiting(
    kind=OrderKind.BUY_STOP_LIMIT,
    price=Decimal("95000.5"),
    limit=Decimal("94900.1"),
    expires_at=NOW + timedelta(days=1),
)


def make_ticket(signal, **changes):
    made = Ticket(
        number=1,
        symbol="BTCUSDT",
        direction=Direction.LONG,
        volume=Decimal("0.10"),
        stop_loss=Decimal("94000.5"),
        take_profit=Decimal(0),
        signal_id=signal.id,
    )
    return replace(made, **changes)


async def test_a_ticket_comes_back_as_it_was_put(store, desk):
    signal = desk.signal()
    ticket = make_ticket(signal, number=LARGEST, volume=Decimal("9999999999.12345678"))

    await store.write(lambda tables: (tables.signals.add(signal), tables.tickets.put(desk.bot.id, ticket, NOW)))

    assert await store.read(lambda tables: tables.tickets.get(desk.bot.id, LARGEST)) == ticket
    assert await store.read(lambda tables: tables.tickets.get(desk.bot.id, 1)) is None


async def test_an_order_that_waits_comes_back_with_its_terms_and_is_in_no_book(store, desk):
    change = TicketChange(
        number=1,
        direction=Direction.LONG,
        volume=Decimal("0.1"),
        before=Decimal(0),
        stop_loss=Decimal(0),
        take_profit=Decimal(0),
        waiting=WAITING,
    )
    signal = replace(desk.signal(), ticket=change)
    ticket = make_ticket(signal, waiting=WAITING, contract={"size": "100", "currency_base": "XAU"})
    await store.write(lambda tables: (tables.signals.add(signal), tables.tickets.put(desk.bot.id, ticket, NOW)))

    assert await store.read(lambda tables: tables.tickets.get(desk.bot.id, 1)) == ticket
    assert (await store.read(lambda tables: tables.signals.get(signal.id))).ticket == change
    assert (await store.read(lambda tables: tables.tickets.book(desk.bot.id, "BTCUSDT"))).tickets == ()


async def test_the_book_holds_a_symbol_s_open_tickets_and_what_followers_hold(store, desk):
    signal = desk.signal()
    one, two = make_ticket(signal), make_ticket(signal, number=2, direction=Direction.SHORT)
    closed, other = make_ticket(signal, number=3, volume=Decimal(0)), make_ticket(signal, number=4, symbol="ETHUSDT")

    def work(tables):
        tables.signals.add(signal)
        for ticket in (two, one, closed, other):
            tables.tickets.put(desk.bot.id, ticket, NOW)
        tables.signals.set_held_by_bot(desk.bot.id, "BTCUSDT", Direction.LONG, NOW)
        tables.tickets.hold(desk.bot.id, "BTCUSDT", Decimal("0.25"))

    await store.write(work)

    book = await store.read(lambda tables: tables.tickets.book(desk.bot.id, "BTCUSDT"))
    assert (list(book.tickets), book.held, book.volume) == ([one, two], Direction.LONG, Decimal("0.25"))
    elsewhere = await store.read(lambda tables: tables.tickets.book(desk.bot.id, "ETHUSDT"))
    assert (list(elsewhere.tickets), elsewhere.held, elsewhere.volume) == ([other], Direction.FLAT, 0)


async def test_a_position_without_a_volume_counts_as_none(store, desk):
    await store.write(lambda tables: tables.signals.set_held_by_bot(desk.bot.id, "BTCUSDT", Direction.LONG, NOW))

    book = await store.read(lambda tables: tables.tickets.book(desk.bot.id, "BTCUSDT"))

    assert (book.held, book.volume) == (Direction.FLAT, 0)


async def test_tickets_of_two_bots_stay_apart(store, desk):
    signal = desk.signal()
    other = await store.write(new_desk)
    await store.write(
        lambda tables: (tables.signals.add(signal), tables.tickets.put(desk.bot.id, make_ticket(signal), NOW))
    )

    assert await store.read(lambda tables: tables.tickets.get(other.bot.id, 1)) is None
    assert (await store.read(lambda tables: tables.tickets.book(other.bot.id, "BTCUSDT"))).tickets == ()


async def test_a_key_remembers_what_it_was_used_for(store, desk):
    signal, later = desk.signal(), NOW + timedelta(days=1)

    def work(tables):
        tables.signals.add(signal)
        tables.signals.remember(desk.bot.id, "told", signal.id, later, "content")
        tables.signals.remember(desk.bot.id, "untold", signal.id, later)

    await store.write(work)

    assert await store.read(lambda tables: tables.signals.content(desk.bot.id, "told")) == "content"
    assert await store.read(lambda tables: tables.signals.content(desk.bot.id, "untold")) is None
    assert await store.read(lambda tables: tables.signals.content(desk.bot.id, "unknown")) is None


async def test_of_rotated_signing_secrets_only_the_valid_ones_are_read(store, desk):
    bot = make_bot(owner_id=desk.provider.id, source=SourceKind.REST)
    until = NOW + timedelta(hours=1)

    def work(tables):
        tables.bots.add(bot, "first", "sealed one")
        tables.bots.rotate(bot.id, "second", sealed="sealed two", old_until=until, at=NOW)

    await store.write(work)

    def sealed(at):
        return lambda tables: set(tables.bots.sealed_secrets(bot.id, at))

    assert await store.read(sealed(NOW)) == {"sealed one", "sealed two"}
    assert await store.read(sealed(until)) == {"sealed two"}
    assert await store.read(lambda tables: tables.bots.sealed_secrets(desk.bot.id, NOW)) == []


async def test_signed_bots_are_a_person_s_own_and_not_the_archived_ones(store, desk):
    mine = [make_bot(owner_id=desk.provider.id, source=kind) for kind in (SourceKind.REST, SourceKind.MASTER)]
    gone = make_bot(owner_id=desk.provider.id, source=SourceKind.REST, status=BotStatus.ARCHIVED)

    def work(tables):
        for bot in (*mine, gone):
            tables.bots.add(bot, f"fingerprint-{bot.id}")

    await store.write(work)

    assert await store.read(lambda tables: tables.bots.signed(desk.provider.id)) == mine
    assert await store.read(lambda tables: tables.bots.signed(desk.follower.id)) == []
