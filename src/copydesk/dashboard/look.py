"""How it looks: the palettes of both themes, the style sheet and the script that every page carries."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self


class Theme(StrEnum):
    DARK = "dark"
    LIGHT = "light"

    @classmethod
    def chosen(cls, cookie: str | None) -> Self:
        return cls(cookie) if cookie in set(cls) else cls(Theme.DARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Green and red are for up and down only, amber for what wants a look; charts and style sheet share these."""

    page: str
    card: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    up: str
    down: str
    warn: str


PALETTES = {
    Theme.DARK: Palette(
        page="#14171f",
        card="#1e222d",
        raised="#262b39",
        line="#2f3546",
        text="#e6e9ef",
        muted="#9aa3b5",
        accent="#5b95ff",
        up="#3fbf7f",
        down="#f2646b",
        warn="#e8b04b",
    ),
    Theme.LIGHT: Palette(
        page="#f3f5f9",
        card="#ffffff",
        raised="#edf0f6",
        line="#dce1eb",
        text="#1a2030",
        muted="#566076",
        accent="#2460d8",
        up="#0b7a45",
        down="#c62834",
        warn="#8a5a00",
    ),
}


def head() -> str:
    """What goes into `<head>` of every page."""
    variables = "".join(f"body.body--{theme} {{ {_declared(palette)} }}\n" for theme, palette in PALETTES.items())
    return f"<style>{variables}{_file('style.css')}</style><script>{_file('browser.js')}</script>"


def _declared(palette: Palette) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in asdict(palette).items())


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
