"""One-time passwords of the new API: asked for by REST, good for one connection and a short time (facts §5.1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web

from copydesk.simulators.deriv.edge.limits import Limits
from copydesk.simulators.deriv.exchange.account import Account
from copydesk.simulators.deriv.exchange.exchange import Exchange
from copydesk.simulators.deriv.exchange.refusals import RefusedError

VALID_MS = 60_000
PATH = "/trading/v1/options"
_ACCOUNTS = f"{PATH}/accounts/"
_OTP = "/otp"
_PASSES_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    account: Account
    app_id: int
    until_ms: int


@dataclass(slots=True)
class Passes:
    """``new_id``: makes the passwords; of too many that nobody used, the oldest is withdrawn."""

    exchange: Exchange
    limits: Limits
    new_id: Callable[[], UUID]
    _open: dict[str, Pass] = field(default_factory=dict)

    def issue(self, request: web.BaseRequest, now_ms: int) -> tuple[int, Any]:
        """Status and body of ``POST …/accounts/{id}/otp``."""
        loginid = request.path.removeprefix(_ACCOUNTS).removesuffix(_OTP)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        app_id = request.headers.get("Deriv-App-ID", "")
        account = self.exchange.accounts.get(token) if scheme == "Bearer" else None
        if account is None or not app_id:
            return _refused(request, 401, "Unauthorized", "token or Deriv-App-ID is missing or invalid")
        try:
            self.limits.count(token, "otp", now_ms)
        except RefusedError as refusal:
            return _refused(request, 429, refusal.code, refusal.message)
        if account.disabled or "trade" not in account.scopes:
            return _refused(request, 403, "Forbidden", "the token has not the scope trade")
        if account.loginid != loginid:
            return _refused(request, 400, "ValidationError", "accountId is not one of this token")
        otp = self.new_id().hex
        self._open[otp] = Pass(account=account, app_id=_number(app_id), until_ms=now_ms + VALID_MS)
        if len(self._open) > _PASSES_MAX:
            del self._open[next(iter(self._open))]
        url = f"ws://{request.host}{PATH}/ws/{'demo' if account.is_virtual else 'real'}?otp={otp}"
        return 200, {"data": {"url": url}, "meta": _meta(request)}

    def use(self, otp: str, kind: str, now_ms: int) -> Pass | None:
        """None when it was never issued, used before, is too old, or is of the other kind, demo or real."""
        found = self._open.pop(otp, None)
        if found is None or found.until_ms <= now_ms or (kind == "demo") != found.account.is_virtual:
            return None
        return found


def is_otp(method: str, path: str) -> bool:
    return method == "POST" and path.startswith(_ACCOUNTS) and path.endswith(_OTP)


def _number(app_id: str) -> int:
    """New ids need not be numbers; contracts tell one that is."""
    return int(app_id) if app_id.isascii() and app_id.isdigit() and len(app_id) < len(str(2**53)) else 1


def _refused(request: web.BaseRequest, status: int, code: str, message: str) -> tuple[int, Any]:
    return status, {"errors": [{"status": status, "code": code, "message": message}], "meta": _meta(request)}


def _meta(request: web.BaseRequest) -> dict[str, Any]:
    return {"endpoint": request.path, "method": request.method, "timing": 0}
