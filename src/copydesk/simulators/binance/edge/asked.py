"""One request, whichever way it came: what is asked, by whom, and over which bytes its signature stands."""

from dataclasses import dataclass
from urllib.parse import unquote, urlencode

from copydesk.simulators.binance.rest.params import Params

_SIGNATURE = "signature="


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``payloads``: the spellings a signature may stand over; ``trusted``: the connection has logged on with this key."""

    method: str
    path: str
    params: Params
    api_key: str | None
    address: str
    payloads: tuple[str, ...] = ()
    signature: str | None = None
    trusted: bool = False


def over_http(*, method: str, path: str, query: str, body: str, api_key: str | None, address: str) -> Asked:
    """Signed is query and body joined by nothing, without the signature, in the order and spelling they came."""
    unsigned_query, from_query = _without_signature(query)
    unsigned_body, from_body = _without_signature(body)
    signature = from_query or from_body
    return Asked(
        method=method,
        path=path,
        params=Params(query, body),
        api_key=api_key,
        address=address,
        payloads=(unsigned_query + unsigned_body,),
        signature=None if signature is None else unquote(signature),
    )


def over_socket(*, method: str, path: str, values: dict[str, str], session_key: str | None, address: str) -> Asked:
    """Signed are all parameters but the signature, sorted by name; clients send the values plain or percent-encoded."""
    named = dict(sorted((name, value) for name, value in values.items() if name != "signature"))
    encoded = urlencode(named)
    own_key, signature = values.get("apiKey"), values.get("signature")
    trusted = session_key is not None and own_key is None and signature is None
    return Asked(
        method=method,
        path=path,
        params=Params(encoded, ""),
        api_key=session_key if trusted else own_key,
        address=address,
        payloads=("&".join(f"{name}={value}" for name, value in named.items()), encoded),
        signature=signature,
        trusted=trusted,
    )


def is_spot(path: str) -> bool:
    """What ``api.binance.com`` serves; the wallet service (``/sapi``) is counted with the futures here."""
    return path.startswith("/api/")


def _without_signature(raw: str) -> tuple[str, str | None]:
    if _SIGNATURE not in raw:
        return raw, None
    kept: list[str] = []
    found: str | None = None
    for piece in raw.split("&"):
        if piece.startswith(_SIGNATURE):
            found = piece[len(_SIGNATURE) :]
        else:
            kept.append(piece)
    return "&".join(kept), found
