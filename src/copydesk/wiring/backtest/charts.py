"""The chart library of a page, inside the page: ECharts (Apache-2.0) as NiceGUI's wheel brings it, loaded from nowhere else."""

import importlib.util
import re
from pathlib import Path

from copydesk.domain.errors import CopydeskError

_ENTRY = re.compile(r'import\{(?P<names>[^}]*)\}from"\./(?P<file>[\w.-]+)";export\{(?P<out>\w+) as echarts\b')
_EXPORTS = re.compile(r"export\{(?P<list>[^{}]*)\};?\s*(//# sourceMappingURL=\S*\s*)?$")


def echarts_script() -> str:
    """A classic script that leaves `echarts` in the global scope; for between script tags. Raises CopydeskError where
    NiceGUI keeps it in another form than those known here.
    """
    folder = _folder()
    entry = _ENTRY.search((folder / "index.js").read_text(encoding="utf-8"))
    if entry is None:
        raise CopydeskError("this NiceGUI keeps its ECharts in a form that is not known here")
    exported = _named(entry["names"])[entry["out"]]
    module = (folder / entry["file"]).read_text(encoding="utf-8")
    exports = _EXPORTS.search(module)
    if exports is None:
        raise CopydeskError("this NiceGUI keeps its ECharts in a form that is not known here")
    local = {outside: inside for inside, outside in map(_pair, exports["list"].split(","))}[exported]
    code = module[: exports.start()].replace("</script", "<\\/script")
    return f"(()=>{{{code};globalThis.echarts={local}}})();"


def _folder() -> Path:
    """Found, not imported: NiceGUI itself is not needed here."""
    spec = importlib.util.find_spec("nicegui")
    if spec is None or spec.origin is None:
        raise CopydeskError("NiceGUI is not installed: its ECharts draw the page")
    folder = Path(spec.origin).parent / "elements" / "echart" / "dist"
    if not (folder / "index.js").is_file():
        raise CopydeskError("this NiceGUI keeps its ECharts in a form that is not known here")
    return folder


def _named(names: str) -> dict[str, str]:
    """`aS as a,aT as r` → a: aS, r: aT."""
    return {inside: outside for outside, inside in map(_pair, names.split(","))}


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.strip().partition(" as ")
    return first, second or first
