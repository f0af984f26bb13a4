"""What an admin looks after: the audit log's chain, backups, the newest log lines."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from copydesk.client.desk import Page
from copydesk.client.operations import AuditVerification, BackupAnswer, BackupsAnswer, LogAnswer
from copydesk.stores.store import Tables
from copydesk.web.hub import Me, TheHub
from copydesk.web.keeping import Made
from copydesk.web.listing import Limit
from copydesk.web.refusals import refuses

router = APIRouter(prefix="/api/v1", tags=["operations"])

_BUSY = refuses(409, "a backup is being made already")

Level = Literal["debug", "info", "warning", "error", "critical"]


@router.get("/audit/verification", response_description="Whether it is whole, and where not")
async def verify_audit(hub: TheHub) -> AuditVerification:
    """Every line of the audit log against its hash and the line before it: what `copydesk admin audit verify` does."""

    def work(tables: Tables) -> tuple[int, int | None]:
        return tables.audit.count({}), tables.audit.first_broken()

    lines, broken = await hub.store.read(work)
    return AuditVerification(whole=broken is None, lines=lines, first_broken=broken, verified_at=hub.clock.now())


@router.get("/backups", response_description="Those in the hub's own folder, newest first")
async def list_backups(hub: TheHub) -> BackupsAnswer:
    """What each says of itself; `copydesk restore FILE --check` verifies one."""
    return BackupsAnswer(folder=str(hub.backups.folder), items=[_backup(one) for one in await hub.backups.known()])


@router.post("/backups", status_code=201, responses=_BUSY, response_description="The backup, verified")
async def make_backup(me: Me, hub: TheHub) -> BackupAnswer:
    """The desk goes on meanwhile. The master key is not in it: keep that apart."""
    made = await hub.backups.make()
    now, details = hub.clock.now(), {"rows": made.rows, "bytes": made.bytes}
    await hub.store.write(
        lambda tables: tables.audit.add(
            actor=me.id, action="database.backup", subject=made.name, details=details, at=now
        )
    )
    return _backup(made)


@router.get("/logs", response_description="Lines, newest first")
async def list_logs(
    hub: TheHub,
    limit: Limit = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**53, description="the `next` of the page before")] = None,
    level: Annotated[Level | None, Query()] = None,
) -> Page[LogAnswer]:
    """The newest lines of this hub's own log since its start, 2,000 at most; older ones are where its output goes."""
    found = hub.lines.newest(limit=limit + 1, before=cursor, level=level)
    following = str(found[limit - 1].number) if len(found) > limit else None
    return Page(items=[LogAnswer.model_validate(one) for one in found[:limit]], next=following)


def _backup(one: Made) -> BackupAnswer:
    return BackupAnswer.model_validate(one)
