"""Streams that are no longer wanted."""

from copydesk.simulators.deriv.calls.call import Call
from copydesk.simulators.deriv.calls.session import Answer


def forget(call: Call) -> list[Answer]:
    """1 when there was such a stream."""
    return [Answer(name="forget", content=int(call.session.forget(call.get("forget"))))]


def forget_all(call: Call) -> list[Answer]:
    """The ids of those that ended."""
    wanted = call.get("forget_all")
    kinds = wanted if isinstance(wanted, list) else [wanted]
    ended = [each.id for each in call.session.subscriptions.values() if each.kind in kinds]
    for id in ended:
        call.session.forget(id)
    return [Answer(name="forget_all", content=ended)]
