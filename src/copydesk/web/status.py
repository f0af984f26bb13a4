"""Whether the hub lives, and whether it is ready to take signals."""

from fastapi import APIRouter, Response

from copydesk.client.desk import AliveAnswer, ReadyAnswer
from copydesk.domain.errors import StoreUnavailable
from copydesk.web.errors import answer
from copydesk.web.hub import TheHub

router = APIRouter(tags=["status"])


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
        return answer(503, "desk_not_running", "the desk does not run (yet)")
    return ReadyAnswer()
