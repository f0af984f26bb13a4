"""`copydesk serve` and `copydesk dashboard`: the hub, and the window on it."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console

from copydesk.dashboard import run as run_dashboard
from copydesk.settings import Settings, read_settings
from copydesk.wiring.children import child
from copydesk.wiring.hub import serve as serve_hub
from copydesk.wiring.logs import set_up_logs
from copydesk.wiring.loop import run

console = Console(stderr=True, highlight=False, soft_wrap=True)

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port of the API; 0 picks a free one (COPYDESK_PORT).")
]
DashboardPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of the dashboard; 0 picks a free one (COPYDESK_DASHBOARD_PORT)."),
]


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on (COPYDESK_HOST).")] = None,
    port: Port = None,
    dashboard_port: DashboardPort = None,
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="Serve the API alone.")] = False,
    verbose: Annotated[bool, typer.Option(help="Log details.")] = False,
) -> None:
    """Run the hub: the API, the engine, the reconciler; and the dashboard beside it."""
    lines = set_up_logs(verbose=verbose)
    settings = read_settings(host=host, port=port, dashboard_port=dashboard_port)
    run(_serve(settings, lines, with_dashboard=not no_dashboard))


def dashboard(
    *,
    api_url: Annotated[
        str | None, typer.Option(help="The hub's address; default: the settings' host and port.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (COPYDESK_HOST).")] = None,
    dashboard_port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port; 0 picks a free one (COPYDESK_DASHBOARD_PORT).")
    ] = None,
) -> None:
    """Run the dashboard alone, for a hub that runs elsewhere."""
    settings = read_settings(host=host, dashboard_port=dashboard_port)

    def ready(port: int) -> None:
        console.print(f"[green]Dashboard on http://{settings.host}:{port}[/green]")

    run_dashboard(
        api_url=api_url or settings.api_url(), host=settings.host, port=settings.dashboard_port, on_ready=ready
    )


async def _serve(settings: Settings, lines: Any, *, with_dashboard: bool) -> None:
    """The dashboard starts once the API answers, and ends with it."""
    listening = asyncio.get_running_loop().create_future()

    def ready(port: int, setup_token: str | None) -> None:
        url = settings.api_url(port)
        console.print(f"[green]copydesk serves on {url}[/green]  (API pages: {url}/docs)")
        if setup_token is not None:
            console.print(f"There is no admin yet. Make the first one here: {url}/setup/{setup_token}")
        listening.set_result(port)

    async with asyncio.TaskGroup() as tasks:
        hub = tasks.create_task(serve_hub(settings, on_ready=ready, lines=lines))
        if with_dashboard:
            beside = tasks.create_task(_dashboard(settings, listening))
            hub.add_done_callback(lambda _: beside.cancel())


async def _dashboard(settings: Settings, listening: "asyncio.Future[int]") -> None:
    api = f"http://{settings.host}:{await listening}"
    verb = ["dashboard", "--api-url", api, "--host", settings.host, "--port", str(settings.dashboard_port)]
    folder = settings.data_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    async with child("dashboard", verb, {}, folder) as running:
        await running.process.wait()
        console.print(f"[red]The dashboard ended (code {running.process.returncode}); its log: {running.log}[/red]")
