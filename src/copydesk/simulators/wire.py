"""Frames of the WebSocket protocol written by hand, for what no library would send: half of one."""

_SHORT_LENGTH_MAX, _MIDDLE_LENGTH_MAX = 125, 65_535  # where a frame's length needs two, then eight bytes more


def text_head(length: int) -> bytes:
    """The head of a text frame that says it holds this many bytes (RFC 6455 §5.2)."""
    if length <= _SHORT_LENGTH_MAX:
        return bytes((0x81, length))
    if length <= _MIDDLE_LENGTH_MAX:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")
