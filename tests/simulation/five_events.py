"""`python -m simulation.five_events no|yes`: OPEN, MODIFY, partial CLOSE, CLOSE and reversal of a master's tickets in all 120 orders.

Whatever the order, a report that fits nothing is refused, and the followers end where the bot's own signals say. With `yes`
answers are lost meanwhile, hubs are killed, and every invariant must hold all the same.
"""

import itertools
import sys
from decimal import Decimal
from random import Random

from copydesk.domain.bot import OnOpposite
from copydesk.domain.signal import Action, Direction, Instruction, TicketEvent, TicketReport
from simulation.exchange import KINDS
from simulation.invariants import examine
from simulation.play import Alert, Play
from simulation.run import be_quiet, listen
from simulation.story import Deed, Story, begin
from store_support import make_account, make_bot, make_subscription

BUY, SELL = Direction.LONG, Direction.SHORT
EVENTS = {
    "open": TicketReport(number=1, event=TicketEvent.OPEN, direction=BUY, volume=Decimal(1)),
    "modify": TicketReport(number=1, event=TicketEvent.MODIFY, stop_loss=Decimal(90_000)),
    "partial close": TicketReport(number=1, event=TicketEvent.CLOSE, volume=Decimal("0.4")),
    "close": TicketReport(number=1, event=TicketEvent.CLOSE),
    "reversal": TicketReport(number=2, event=TicketEvent.OPEN, direction=SELL, volume=Decimal(2)),
}
APART_S = 1.5


class Tickets(Play):
    """A master's reports in the place of alerts."""

    def do_report(self, name):
        report = EVENTS[name]
        instruction = Instruction(
            ticker="BTCUSDT",
            symbol="BTCUSDT" if report.event is TicketEvent.OPEN else "",
            action=Action.MODIFY,
            key=f"report {name}",
            key_ttl_s=86_400,
            ticket=report,
            payload={},
        )
        self.send(Alert(len(self.alerts), self.story.bots[0].id, instruction))


def play(number, names, *, breaks):
    random = Random(f"five events {number}")
    begin(random)
    bot = make_bot(on_opposite=OnOpposite.REVERSE, default_margin_usd=Decimal(100), default_leverage=10)
    accounts = [make_account() for _ in range(2)]
    follows = [make_subscription(bot_id=bot.id, account_id=one.id, owner_id=one.owner_id) for one in accounts]
    deeds = [Deed(APART_S * place, "report", (name,)) for place, name in enumerate(names)]
    if breaks:
        deeds.append(Deed(random.uniform(0, 6), "kill", ("request_left", 1, 0.5)))
    story = Story(
        seed=number,
        wild=False,
        bots=[bot],
        accounts=accounts,
        subscriptions=follows,
        deeds=sorted(deeds, key=lambda deed: deed.at_s),
        kinds=KINDS if breaks else (),
        probability=0.15 if breaks else 0.0,
        until_s=APART_S * len(names) + 1,
    )
    played = Tickets(story)
    listen(played.world)
    found = examine(played, calm=played.run())
    return played, [*found.broken, *(() if breaks else misplaced(played))]


def misplaced(played):
    """Nothing was lost on the way: each follower stands exactly where the bot does."""
    held = played.rows.bot_positions.get((played.story.bots[0].id, "BTCUSDT"), Direction.FLAT)
    sign = {Direction.LONG: 1, Direction.SHORT: -1, Direction.FLAT: 0}[held]
    for account in played.story.accounts:
        amount = played.exchange.positions.get((account.id, "BTCUSDT"), Decimal(0))
        if (amount > 0) - (amount < 0) != sign:
            yield f"the bot is {held}, {account.id} holds {amount}"


def main():
    be_quiet()
    breaks, broken, refused = sys.argv[1] == "yes", [], 0
    orders = list(itertools.permutations(EVENTS))
    for number, names in enumerate(orders):
        played, found = play(number, names, breaks=breaks)
        refused += sum(alert.refusal is not None for alert in played.alerts)
        broken += [f"{' → '.join(names)}: {each}" for each in found]
    sys.stdout.write("\n".join([f"{len(orders)} orders, {refused} reports refused, {len(broken)} broken", *broken, ""]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
