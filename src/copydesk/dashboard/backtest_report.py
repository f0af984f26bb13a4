"""A backtest's report as the hub makes it, for whoever is signed in here; a page that reaches nothing, this dashboard neither."""

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from nicegui import app

from copydesk.client.errors import Missing
from copydesk.dashboard.desk import AWAY, People, SessionEnded
from copydesk.dashboard.page import Reader, refusal

PATH = "/backtests/{backtest_id}/report"

_HEADERS = {
    # Whatever stands in the page: no cookie, no other address, no word with the dashboard's own pages.
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


def report_path(backtest_id: str) -> str:
    return PATH.format(backtest_id=backtest_id)


def add_report(people: People) -> None:
    @app.get(PATH, include_in_schema=False)
    async def report(request: Request, backtest_id: str) -> Response:
        reader = Reader.of(request)
        person = people.find(reader.browser)
        if person is None:
            return RedirectResponse(f"/sign-in?to={request.url.path}")
        try:
            page = await person.ask(lambda api: api.backtest_report(backtest_id))
        except SessionEnded:
            await people.drop(person)
            return RedirectResponse(f"/sign-in?why=expired&to={request.url.path}")
        except Missing:
            return _words(reader.say("backtests.report_gone"), 404)
        except AWAY as error:
            return _words(refusal(reader.say, error), 502)
        return HTMLResponse(page, headers=_HEADERS)


def _words(sentence: str, status: int) -> Response:
    return Response(sentence, status, media_type="text/plain; charset=utf-8", headers=_HEADERS)
