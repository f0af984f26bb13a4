"""Each page's main story in a real browser against the running demo: both languages, on a desk and on a phone."""

import os
import signal
import sys
from time import monotonic

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]

LANGUAGES = ("en-GB", "pt-BR")
WIDTHS = (1440, 390)

WORDS = {
    "en-GB": {
        "overview": ["Net result today", "Signals today", "copied", "Open positions", "Working orders", "works"],
        "bots": ["EMA Cross 15m Demo", "Leaderboard", "all followers"],
        "bot": ["Realised net result", "Send a test signal", "Webhook URL", "Follower 1", "Its signals"],
        "strategies": ["RSI Demo", "Streak Demo", "Win rate"],
        "rsi": ["RSI Demo", "Candles", "Latest decisions", "Closed trades"],
        "streak": ["Streak Demo", "Current position", "Net result of closed trades"],
        "signals": ["All signals", "Buy"],
        "signal": ["Received", "Stored", "Filled", "Not copied:", "rounded down to steps of"],
    },
    "pt-BR": {
        "overview": ["Resultado líquido hoje", "Sinais de hoje", "copiados", "Posições abertas", "Ordens na corretora"],
        "bots": ["EMA Cross 15m Demo", "Classificação", "todos os seguidores"],
        "bot": ["Resultado líquido realizado", "Enviar um sinal de teste", "URL do webhook", "Seguidor 1"],
        "strategies": ["RSI Demo", "Streak Demo", "Taxa de acerto"],
        "rsi": ["RSI Demo", "Candles", "Últimas decisões", "Operações encerradas"],
        "streak": ["Streak Demo", "Posição atual", "Resultado líquido das operações encerradas"],
        "signals": ["Todos os sinais", "Comprar"],
        "signal": ["Recebido", "Guardado", "Executado", "Não copiado:", "arredondado para baixo em passos de"],
    },
}


def paths(desk):
    rsi, streak = (f"/strategies/{one['id']}" for one in desk.line["strategy_bots"])
    return {
        "overview": "/",
        "bots": "/bots",
        "bot": f"/bots/{desk.bot['id']}",
        "strategies": "/strategies",
        "rsi": rsi,
        "streak": streak,
        "signals": "/signals",
        "signal": f"/signals/{desk.signals[-1]}",
    }


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WORDS["en-GB"])
def test_a_page_tells_its_story_and_can_be_used_by_everybody(window, desk, name, language, width):
    seen = window("provider", language, width)

    seen.open(paths(desk)[name])

    seen.sees(*WORDS[language][name][: None if width == max(WIDTHS) else 3])
    seen.picture(name)
    assert seen.shortcomings() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_light_theme_is_there_for_whoever_wants_it(window, desk, language):
    seen = window("admin", language)
    seen.open("/")
    light = {"en-GB": "Light", "pt-BR": "Claro"}[language]
    seen.page.locator("button.who").click()

    seen.page.get_by_role("link", name=light).click()

    expect(seen.page.locator("body.body--light")).to_be_visible()
    seen.sees(WORDS[language]["overview"][0])
    seen.picture("overview-light")
    seen.page.locator("button.who").click()
    seen.page.get_by_role("link", name={"en-GB": "Dark", "pt-BR": "Escuro"}[language]).click()
    expect(seen.page.locator("body.body--dark")).to_be_visible()


def test_a_signal_shows_by_itself_with_how_its_followers_fared(window, desk):
    seen = window("admin")
    seen.open("/")
    expect(seen.page.locator(f"a[href='/signals/{desk.signals[0]}']").first).to_be_visible()

    stats = desk.alert("ETHUSDT", "close")["broadcast_stats"]

    way = seen.page.locator(f"a[href='/signals/{desk.signals[-1]}']").first
    expect(way).to_contain_text("Close ETHUSDT")
    expect(way).to_contain_text(f"{stats['successful_executions']} copied")


def test_a_test_signal_goes_out_on_paper_and_its_way_says_why_others_did_not_copy(window, desk):
    seen = window("provider")
    seen.open(f"/bots/{desk.bot['id']}")

    seen.page.get_by_role("button", name="Send a test signal").click()
    seen.page.get_by_role("button", name="Send", exact=True).click()
    seen.page.get_by_role("link", name="Its way").click()

    seen.sees("A test signal goes to paper accounts only", "1 copied")
    seen.picture("test-signal")


def test_a_rotated_secret_is_shown_once_and_never_again(window, desk):
    seen = window("provider")
    seen.open(f"/bots/{desk.line['bots'][1]['id']}")

    seen.page.get_by_role("button", name="Rotate the secret").click()
    seen.page.get_by_role("button", name="Rotate", exact=True).click()
    dialog = seen.page.locator(".ask.broad")
    expect(dialog).to_contain_text("The secret, shown this once")
    secret = dialog.locator("pre").first.inner_text().strip()
    seen.picture("secret")
    seen.page.get_by_role("button", name="I have it").click()
    expect(dialog).to_have_count(0)
    seen.page.reload()
    seen.sees("The secret was shown once")

    assert len(secret) >= 32
    assert secret not in seen.page.content()


def test_the_breaker_wants_a_typed_word_and_is_released_again(window, desk):
    seen = window("follower2")
    seen.open("/")
    seen.page.get_by_role("button", name="Stop…").click()
    pull = seen.page.get_by_role("button", name="Pull it")
    expect(pull).to_be_disabled()

    seen.page.get_by_label("Type STOP to go on").fill("STOP")
    seen.picture("breaker")
    pull.click()

    seen.sees("Stopped: Nothing new is opened")
    seen.picture("breaker-pulled")
    while seen.page.get_by_role("button", name="Release").count():
        left = seen.page.get_by_role("button", name="Release").count()
        seen.page.get_by_role("button", name="Release").first.click()
        seen.page.locator(".ask").get_by_role("button", name="Release").click()
        expect(seen.page.get_by_role("button", name="Release")).to_have_count(left - 1)


def test_a_follower_sees_the_own_orders_and_nobody_else_s(window, desk):
    seen = window("follower1")
    seen.open(f"/signals/{desk.signals[0]}")

    seen.sees("Each follower's orders", "Binance")
    expect(seen.page.locator("section.card .order").first).to_be_visible()
    assert seen.page.locator(".cards > section.card").count() == 1


def test_a_signed_out_browser_is_at_the_door_and_nothing_can_be_read(window, desk, chromium):
    context = chromium.new_context()
    page = context.new_page()

    page.goto(f"{desk.dashboard}/bots/{desk.bot['id']}")

    expect(page.get_by_text("Sign in to see your desk.")).to_be_visible()
    assert "EMA Cross" not in page.content()
    context.close()


def test_the_keyboard_alone_reaches_the_page_past_the_navigation(window, desk):
    seen = window("provider")
    seen.open("/signals")
    seen.page.keyboard.press("Tab")
    expect(seen.page.locator("a.skip")).to_be_focused()

    seen.page.keyboard.press("Enter")
    expect(seen.page.locator("#content")).to_be_focused()


@pytest.mark.skipif(sys.platform != "linux", reason="stops the hub's process by a signal")
def test_a_hub_that_is_away_shows_within_two_seconds_and_comes_back_without_a_reload(window, desk):
    seen = window("admin")
    seen.open("/")
    seen.page.evaluate("window.sameDocument = true")
    hub = desk.hub_pid()

    os.kill(hub, signal.SIGSTOP)
    try:
        stopped = monotonic()
        expect(seen.page.locator(".badge.down")).to_be_visible(timeout=10_000)
        took_s = monotonic() - stopped
        seen.sees("The hub does not answer.")
        seen.picture("hub-away")
    finally:
        os.kill(hub, signal.SIGCONT)

    expect(seen.page.locator(".badge.up")).to_be_visible(timeout=60_000)
    assert seen.page.evaluate("window.sameDocument") is True
    assert took_s < 6, "two seconds on a machine that does nothing else"
