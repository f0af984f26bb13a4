"""Addresses in Apprise's form: which services are taken, which of their options, and what is shown of one."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import apprise
from apprise import plugins
from apprise.plugins.base import NotifyBase

from copydesk.domain.errors import FieldError, InvalidInput


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ADDRESS_MAX = 2_000
SHOWN = 4

# Services that are reached by HTTP or SMTP at an address of the service's own.
_SERVICES = _words("""
    brevo dingtalk discord feishu gchat ifttt join lark line mailersend mailgun opsgenie pagerduty pbul postmark pover
    prowl pushy resend schan sendgrid simplepush slack tgram threema twilio vonage wecombot workflows wxteams zulip
""")

# Those where the address itself names the host.
_HOSTED = _words("""
    apprise apprises bark barks form forms gotify gotifys hassio hassios json jsons mailto mailtos mmost mmosts nctalk
    nctalks ntfy ntfys pushdeer pushdeers rocket rockets signal signals synology synologys xml xmls
""")

# Options that choose a recipient or the look of a message. Others read local files, or switch checks off.
_OPTIONS = _words("""
    bcc cc channel click format from icon_url method mode name pass preview priority region reply silent smtp tags
    thread title to topic user
""")
_OWN_FIELDS = ("+", "-", ":")
"""json://, form:// and xml:// take headers, parameters and fields of one's own."""

_TIMEOUTS_S = (5.0, 10.0)
_SEPARATORS = re.compile(r"[/?@:&=]+")


@dataclass(frozen=True, slots=True)
class Address:
    """One that can be sent to; `host` is what the address itself names, None where the service has its own."""

    scheme: str
    service: NotifyBase
    host: str | None
    text: str

    @property
    def hint(self) -> str:
        """Enough to tell two addresses apart: the host, or the last characters of a long one."""
        if self.host is not None:
            return f"{self.host}/…"
        end = self.text.partition("?")[0].rstrip("/")
        return f"…{end[-SHOWN:]}" if len(end) > 8 * SHOWN else "…"

    def clean(self, text: str) -> str:
        """Without anything of the address but its host."""
        parts = {self.text, *_SEPARATORS.split(self.text), *_SEPARATORS.split(unquote(self.text))}
        for part in sorted(parts - {self.scheme, self.host}, key=len, reverse=True):
            text = text.replace(part, "…") if len(part) >= SHOWN else text
        return text


def read_address(text: str) -> Address:
    """Raise InvalidInput that says what is wrong, and never holds the address."""
    told: dict[str, Any] | None = None
    if len(text) <= ADDRESS_MAX and text.isprintable():
        told = plugins.url_to_dict(text, secure_logging=True)  # type: ignore[no-untyped-call]
    if told is None:
        raise refusal("this is no address that Apprise knows, like tgram://bottoken/ChatID or mailto://user:pass@host")
    scheme = str(told["schema"])
    if scheme not in _SERVICES | _HOSTED:
        raise refusal(f"{scheme}:// is not taken here; these are: {', '.join(sorted(_SERVICES | _HOSTED))}")
    options = {name for name in told["qsd"] if not name.startswith(_OWN_FIELDS)}
    if options - _OPTIONS:
        raise refusal(f"the option {min(options - _OPTIONS)[:40]!r} is not taken here")
    service = apprise.Apprise.instantiate(told, asset=_asset())
    if not isinstance(service, NotifyBase):
        raise refusal(f"{scheme}:// needs more, or other, than this address holds")
    service.redirects = False
    service.verify_certificate = True
    service.socket_connect_timeout, service.socket_read_timeout = _TIMEOUTS_S
    return Address(scheme, service, _host(scheme, service), text)


def refusal(problem: str) -> InvalidInput:
    """What PUT answers for an address."""
    return InvalidInput(f"addresses: {problem}", (FieldError("addresses", problem),))


def _host(scheme: str, service: NotifyBase) -> str | None:
    if scheme not in _HOSTED or getattr(service, "mode", None) == "cloud":
        return None
    return str(getattr(service, "smtp_host", None) or service.host)


def _asset() -> apprise.AppriseAsset:
    asset = apprise.AppriseAsset(app_id="copydesk", app_desc="copydesk", allow_templates=False)
    asset.http_redirects = asset.pgp_autogen = asset.pem_autogen = False
    return asset
