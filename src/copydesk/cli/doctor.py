"""`copydesk doctor`: what is wrong with this desk, and what to do about it."""

import asyncio

import typer
from rich.console import Console

from copydesk.settings import Settings, read_settings
from copydesk.wiring.doctor import Finding, examine

console = Console(highlight=False, soft_wrap=True)


def doctor() -> None:
    """Check settings, key, ports, database, venues and every account; exit 1 where something needs care."""
    settings = read_settings()
    findings = asyncio.run(_examine(settings))
    wrong = [finding for finding in findings if not finding.ok]
    if wrong:
        console.print(f"\n[red]{len(wrong)} of {len(findings)} checks need care.[/red]")
        raise typer.Exit(1)
    console.print("\n[green]Everything is fine.[/green]")


async def _examine(settings: Settings) -> list[Finding]:
    findings = []
    async for finding in examine(settings):
        mark = "[green]✓[/green]" if finding.ok else "[red]✗[/red]"
        console.print(f"{mark} {finding.name}: {finding.detail}")
        if not finding.ok and finding.advice:
            console.print(f"    → {finding.advice}")
        findings.append(finding)
    return findings
