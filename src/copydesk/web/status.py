"""Whether the hub lives, and whether it is ready to take signals."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from copydesk.domain.errors import StoreUnavailable
from copydesk.web.hub import TheHub

router = APIRouter(tags=["status"])


@router.get("/health")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(hub: TheHub) -> Response:
    """The database answers too."""
    try:
        await hub.store.read(lambda tables: tables.users.has_admin())
    except StoreUnavailable:
        return JSONResponse({"status": "unavailable", "why": "the database does not answer"}, 503)
    return JSONResponse({"status": "ready"})
