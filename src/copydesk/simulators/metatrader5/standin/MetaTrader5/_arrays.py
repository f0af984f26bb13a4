"""Rates and ticks as numpy arrays with the binary's own unaligned layout of 60 bytes a row."""

from typing import Any

RATES = {
    "names": ["time", "open", "high", "low", "close", "tick_volume", "spread", "real_volume"],
    "formats": ["<i8", "<f8", "<f8", "<f8", "<f8", "<u8", "<i4", "<u8"],
    "offsets": [0, 8, 16, 24, 32, 40, 48, 52],
    "itemsize": 60,
}
TICKS = {
    "names": ["time", "bid", "ask", "last", "volume", "time_msc", "flags", "volume_real"],
    "formats": ["<i8", "<f8", "<f8", "<f8", "<u8", "<i8", "<u4", "<f8"],
    "offsets": [0, 8, 16, 24, 32, 40, 48, 52],
    "itemsize": 60,
}


def array(rows: list[list[float]], layout: Any) -> Any:
    """Raises ImportError without numpy, which only these functions need."""
    try:
        import numpy as np  # noqa: PLC0415  # so that everything else runs without it
    except ImportError:
        raise ImportError("copy_rates_* and copy_ticks_* need numpy: python -m pip install numpy") from None
    return np.array([tuple(row) for row in rows], dtype=np.dtype(layout))
