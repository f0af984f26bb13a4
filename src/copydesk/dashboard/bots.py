"""The bots: what they do by default, and for their owner the webhook and a message to paste into TradingView."""

from nicegui import ui

from copydesk.client.models import BotAnswer
from copydesk.dashboard.page import Page, Tab
from copydesk.dashboard.parts import copyable, empty, figures, heading
from copydesk.dashboard.telling import figure

_MESSAGE = """{
  "secret": "paste master_secret here",
  "tv_exchange": "{{exchange}}",
  "tv_instrument": "{{ticker}}",
  "action": "{{strategy.order.action}}",
  "trigger_price": "{{close}}",
  "timestamp": "{{timenow}}",
  "strategy_info": {
    "market_position": "{{strategy.market_position}}",
    "market_position_size": "{{strategy.market_position_size}}",
    "prev_market_position": "{{strategy.prev_market_position}}",
    "prev_market_position_size": "{{strategy.prev_market_position_size}}"
  },
  "order": {"amount": "{{strategy.order.contracts}}", "currency_type": "base"}
}"""
_NO_BOTS = (
    "No bot yet. A provider makes one with POST /api/v1/bots: its answer shows the secret once, this page the rest."
)
_SHOWN_ONCE = (
    "The secret was shown once, when it was made. Lost it? POST /api/v1/bots/{id}/rotate-secret makes a new one."
)


def show_bots(tab: Tab) -> None:
    place = ui.element("div").classes("cards")
    drawn: list[object] = [None]

    async def look() -> None:
        seen = await tab.person.look()
        if not seen.known or drawn == [seen.bots]:
            return
        drawn[0] = seen.bots
        place.clear()
        with place:
            for bot in seen.bots.values():
                _card(tab, bot)
            if not seen.bots:
                with ui.element("section").classes("card"):
                    empty(_NO_BOTS)

    tab.keep(look)


def _card(tab: Tab, bot: BotAnswer) -> None:
    stop, profit = bot.default_stop_loss_pct, bot.default_take_profit_pct
    with ui.element("section").classes("card stack"):
        with ui.element("div").classes("line"):
            heading(bot.name)
            ui.label(bot.status).classes("chip end " + ("pending" if bot.status == "active" else "skipped"))
        if bot.description:
            ui.label(bot.description)
        defaults = {
            "market": bot.market_type,
            "leverage": f"{bot.default_leverage}×",
            "margin": f"{figure(bot.default_margin_usd)} USD",
            "stop loss": f"{figure(stop)} %" if stop else "none",
            "take profit": f"{figure(profit)} %" if profit else "none",
            "opposite signal": bot.on_opposite,
            "opens within": f"{bot.open_freshness_s} s",
        }
        figures(defaults.items())
        if bot.webhook_url is not None:
            copyable(tab.say, "Webhook URL", bot.webhook_url)
            copyable(tab.say, "Message for a TradingView strategy", _MESSAGE)
            ui.label(_SHOWN_ONCE).classes("small muted")


PAGE = Page(path="/bots", title="bots.title", show=show_bots, icon="smart_toy")
