"""/docs: the API to read and to try, with nothing fetched from outside."""

import mimetypes
from importlib.resources import files
from pathlib import PurePath

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from fastapi.responses import HTMLResponse

from copydesk.domain.errors import NotFound

router = APIRouter(prefix="/docs", include_in_schema=False)

ASSETS = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"})
"""Of what the fastapi-offline wheel carries: Swagger UI and a picture."""


@router.get("")
async def show() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="copydesk API",
        oauth2_redirect_url="/docs/oauth2-redirect",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )


@router.get("/oauth2-redirect")
async def end_sign_in() -> HTMLResponse:
    return get_swagger_ui_oauth2_redirect_html()


@router.get("/assets/{name}")
def get_asset(name: str) -> Response:
    if name not in ASSETS:
        raise NotFound("there is no such file")
    content = files("fastapi_offline").joinpath("static", name).read_bytes()
    kind = mimetypes.types_map.get(PurePath(name).suffix, "application/octet-stream")
    return Response(content, media_type=kind, headers={"Cache-Control": "max-age=86400"})
