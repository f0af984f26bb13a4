"""Whether the hub lives, and whether it is ready to take signals."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from copydesk.client.desk import AliveAnswer, ReadyAnswer
from copydesk.domain.errors import StoreUnavailable
from copydesk.web.errors import answer
from copydesk.web.hub import TheHub

router = APIRouter(tags=["status"])

_METRICS = """# HELP copydesk_signals_total Signals that came in
# TYPE copydesk_signals_total counter
copydesk_signals_total{result="accepted",source="tradingview"} 12.0
"""


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": _METRICS}}}},
    response_description="Prometheus' text format",
)
async def get_metrics(hub: TheHub) -> Response:
    """For an admin, or for who shows the token of COPYDESK_METRICS_TOKEN; docs/api.md lists what is counted."""
    return Response(await hub.metrics.scrape(hub.store, hub.clock.now()), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/health", response_description="It does")
async def get_alive() -> AliveAnswer:
    """The process answers."""
    return AliveAnswer()


@router.get("/ready", response_model=ReadyAnswer, response_description="It is")
async def get_ready(hub: TheHub) -> Response | ReadyAnswer:
    """The database answers, and the desk runs."""
    try:
        await hub.store.read(lambda tables: tables.users.has_admin())
    except StoreUnavailable:
        return answer(503, "store_unavailable", "the database does not answer")
    if not hub.desk.is_running:
        return answer(503, "desk_not_running", "the desk does not run here (yet), or another hub does its work")
    return ReadyAnswer()
