"""Whether the hub lives, and whether it is ready to take signals."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from copydesk.domain.errors import StoreUnavailable
from copydesk.web.errors import answer
from copydesk.web.hub import TheHub

router = APIRouter(tags=["status"])


@router.get("/health")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(hub: TheHub) -> Response:
    """The database answers, and the desk runs."""
    try:
        await hub.store.read(lambda tables: tables.users.has_admin())
    except StoreUnavailable:
        return answer(503, "store_unavailable", "the database does not answer")
    if not hub.desk.is_running:
        return answer(503, "desk_not_running", "the desk does not run (yet)")
    return JSONResponse({"status": "ready"})
