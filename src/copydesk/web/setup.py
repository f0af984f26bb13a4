"""The first admin: a page behind the one-time link that `copydesk serve` prints while there is none."""

import hmac

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from copydesk.client.people import NewUser, UserAnswer
from copydesk.domain.user import Role, new_user
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub, TheHub

router = APIRouter(tags=["setup"], include_in_schema=False)

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>copydesk: first admin</title>
<meta name="viewport" content="width=device-width">
<style>body{font:16px system-ui;background:#14171f;color:#e6e9ef;display:grid;place-items:center;min-height:90vh}
form{background:#1e222d;padding:2rem;border-radius:12px;display:grid;gap:1rem;min-width:18rem}
input,button{font:inherit;padding:.6rem;border-radius:6px;border:1px solid #3a4152;background:#14171f;color:inherit}
button{background:#3d7eff;border:0;cursor:pointer}</style>
<form id="f"><h1 style="margin:0;font-size:1.2rem">Make the first admin</h1>
<label>Username<br><input name="username" required minlength="3" autocomplete="username"></label>
<label>Password (10 characters or more)<br>
<input name="password" type="password" required minlength="10" autocomplete="new-password"></label>
<button>Create</button><output id="o" role="status"></output></form>
<script>f.onsubmit=async e=>{e.preventDefault();const d=Object.fromEntries(new FormData(f));d.role="admin";
const r=await fetch(location.href,{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify(d)});
const a=await r.json();o.textContent=r.ok?"Done. Sign in with this name.":a.error.message}</script></html>"""


@router.get("/setup/{token}")
async def page(token: str, hub: TheHub) -> HTMLResponse:
    await _admit(hub, token)
    return HTMLResponse(_PAGE)


@router.post("/setup/{token}", status_code=201)
async def create_admin(token: str, wanted: NewUser, hub: TheHub) -> UserAnswer:
    """Works once: with an admin there, the link is dead."""
    await _admit(hub, token)
    password_hash = await hub.passwords.hash(wanted.password)
    now = hub.clock.now()
    user = new_user(wanted.username, Role.ADMIN, at=now)

    def work(tables: Tables) -> None:
        if tables.users.has_admin():
            raise HTTPException(404, "there is an admin already")
        tables.users.add(user, password_hash)
        tables.audit.add(actor="setup", action="user.create", subject=user.id, details={"role": "admin"}, at=now)

    await hub.store.write(work)
    return UserAnswer.model_validate(user)


async def _admit(hub: Hub, token: str) -> None:
    right = hub.setup_token is not None and hmac.compare_digest(token.encode(), hub.setup_token.encode())
    if not right or await hub.store.read(lambda tables: tables.users.has_admin()):
        raise HTTPException(404, "this link is not valid (any more)")
