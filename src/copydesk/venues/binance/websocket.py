"""Connections to the venue's WebSockets: opened here, and asked whether they live."""

import picows
import structlog

log = structlog.get_logger()

PING_AFTER_S = 10.0
"""Silence until the other end is asked whether it is there, and until a silent one counts as gone."""


async def connect(url: str, listener: picows.WSListener, *, without: str) -> bool:
    """Whether there is a connection now; `without` says, for the log, what becomes of what would go over it."""
    try:
        await picows.ws_connect(
            lambda: listener,
            url,
            enable_auto_ping=True,
            auto_ping_idle_timeout=PING_AFTER_S,
            auto_ping_reply_timeout=PING_AFTER_S,
            max_redirects=0,
        )
    except (OSError, TimeoutError, picows.WSError) as error:
        log.info("no connection", without=without, problem=f"{type(error).__name__}: {error}")
        return False
    return True
