"""The named points: where a hub may die, and whether its own process or the wire between it and the exchange ends it there."""

IN_THE_PROCESS = (
    "signal_before_commit",
    "signal_after_commit",
    "intent_before_commit",
    "intent_after_commit",
    "filing_before_commit",
    "filing_after_commit",
    "result_before_commit",
    "result_after_commit",
    "stop_intent_before_commit",
    "stop_intent_after_commit",
    "unknown_before_commit",
    "unknown_after_commit",
    "settled_before_commit",
    "settled_after_commit",
    "take_over_before_commit",
    "take_over_after_commit",
)
ON_THE_WIRE = ("first_byte", "request_sent", "mid_answer", "cancel_first_byte")
NAMED = (*IN_THE_PROCESS, *ON_THE_WIRE)
RANDOM = "random"
MISSED = "random, point missed"
STOPPED = "stopped and woken"
BREAKER = "breaker pulled"
"""Where hubs end that meet no named point."""

EVERYWHERE = (*NAMED, RANDOM, STOPPED, BREAKER)

TAKE_OVERS = ("take_over_before_commit", "take_over_after_commit")
LEAVES_SENDING = ("intent_after_commit", "filing_before_commit", "first_byte", "request_sent", "mid_answer")
"""A hub that dies there leaves rows in SENDING: the next one has something to take over."""
