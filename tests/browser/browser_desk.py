"""The demo as the tests drive it, and a window of one person's browser that notices what should not happen."""

from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import expect

TIMEOUT_MS = 30_000
HEIGHTS = {1440: 900, 390: 844}

expect.set_options(timeout=TIMEOUT_MS)

# Whatever a person can press or fill in, without a name that a screen reader could say.
NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, [role=button]")]
  .filter(one => one.offsetParent !== null && !one.closest(".ag-root-wrapper"))
  .filter(one => !(one.innerText || one.getAttribute("aria-label") || one.title || one.labels?.length
    || one.closest("[aria-label]") || one.closest("label")))
  .map(one => one.outerHTML.slice(0, 200))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Desk:
    """Addresses and people of a running demo."""

    def __init__(self, line, pid):
        self.line = line
        self.pid = pid
        self.api, self.dashboard = line["api"], line["dashboard"]
        self.binance = line["simulators"]["binance"]
        self.bot = line["bots"][0]
        self.signals = []

    def person(self, who):
        users = self.line["users"]
        return users[who] if who in users else users["followers"][int(who.removeprefix("follower")) - 1]

    def play(self, market):
        """A gain, a loss, something that stays open."""
        for symbol, price in (("BTCUSDT", "95200"), ("ETHUSDT", "3300")):
            self.price(market, symbol, price)
        self.alert("BTCUSDT", "buy")
        self.price(market, "BTCUSDT", "95900")
        self.alert("BTCUSDT", "close")
        self.alert("ETHUSDT", "buy")

    def price(self, market, symbol, price):
        market.post("/_sim/price", json={"symbol": symbol, "price": price, "hold": True}).raise_for_status()

    def alert(self, symbol, action):
        url = f"{self.api}/api/v1/bots/webhook/master/{self.bot['webhook_url'].rsplit('/', 1)[1]}"
        message = {"secret": self.bot["secret"], "ticker": f"BINANCE:{symbol}.P", "action": action}
        answer = httpx.post(url, json=message, params={"wait": 2.5}, timeout=20).raise_for_status().json()
        self.signals.append(answer["signal_id"])
        return answer

    def hub_pid(self):
        """The demo's child that serves the API (Linux only)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return next(int(one) for one in children if b"serve" in Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0"))


class Window:
    """`troubles` are errors on the console and requests to any other host."""

    def __init__(self, browser, desk, screenshots, who, language, width):
        self.desk, self.who, self.language, self.width = desk, who, language, width
        self.screenshots = screenshots
        self.troubles = []
        self.context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]}, locale="en-GB", timezone_id="America/Sao_Paulo"
        )
        self.context.add_cookies([{"name": "copydesk_language", "value": language, "url": desk.dashboard}])
        self.page = self.context.new_page()
        self.page.set_default_timeout(TIMEOUT_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("request", self._see)
        self._sign_in()

    def open(self, path):
        self.page.goto(self.desk.dashboard + path, wait_until="commit")
        expect(self.page.locator(".badge:not(.muted)")).to_be_visible()
        return self.page

    def sees(self, *texts):
        for text in texts:
            expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def picture(self, name):
        """Kept as build output; at 390 pixels as much as a phone shows."""
        path = self.screenshots / f"{name}-{self.language}-{self.width}.png"
        self.page.screenshot(path=path, full_page=self.width > min(HEIGHTS))

    def shortcomings(self):
        """What keeps somebody from using the page that is open."""
        found = [f"nameless: {one}" for one in self.page.evaluate(NAMELESS)]
        wide = self.page.evaluate(TOO_WIDE)
        language = self.page.locator("html").get_attribute("lang")
        found += [f"{wide} px wider than the window"] if wide > 0 else []
        return found + ([f"lang is {language}"] if language != self.language else [])

    def _sign_in(self):
        person = self.desk.person(self.who)
        self.page.goto(f"{self.desk.dashboard}/sign-in")
        self.page.locator("input").nth(0).fill(person["username"])
        self.page.locator("input").nth(1).fill(person["password"])
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.desk.dashboard}/", wait_until="commit")

    def _hear(self, message):
        if message.type == "error":
            self.troubles.append(f"console: {message.text}")

    def _see(self, request):
        where = urlsplit(request.url)
        if where.scheme not in {"data", "blob"} and where.netloc != urlsplit(self.desk.dashboard).netloc:
            self.troubles.append(f"asked {where.netloc}")
