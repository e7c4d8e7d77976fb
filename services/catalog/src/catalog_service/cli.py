"""The command ``catalog``."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from servicekit.cli import service_cli

if TYPE_CHECKING:
    from catalog_service.schemas import ImportFormat, ImportOut

main = service_cli("catalog_service")


@main.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=click.Choice(["fdroid-index-v2", "csv"]), help="Else told by the file's ending.")
@click.option("--dry-run", is_flag=True, help="Only report what would happen.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def import_file(file: Path, kind: "ImportFormat | None", *, dry_run: bool, as_json: bool) -> None:
    """Add and update apps from FILE: F-Droid's index of version 2, or CSV. All of it or nothing."""
    kind = kind or ("csv" if file.suffix.lower() == ".csv" else "fdroid-index-v2")
    report = asyncio.run(_import(file, kind, dry_run=dry_run))
    if as_json:
        print(json.dumps(report.model_dump(mode="json"), indent=1))
    else:
        counts = ", ".join(
            f"{getattr(report, name)} {name}" for name in ("created", "updated", "unchanged", "rejected")
        )
        print(f"{report.status}: {report.total} rows: {counts}" + (f" ({report.detail})" if report.detail else ""))
        for error in report.errors:
            print(f"row {error.row} {error.package_name or '?'}: {error.detail}")
    if report.status != "succeeded":
        raise SystemExit(1)


async def _import(file: Path, kind: "ImportFormat", *, dry_run: bool) -> "ImportOut":
    from uuid import UUID  # noqa: PLC0415 - keeps --help quick

    from catalog_service.pools import work_pool  # noqa: PLC0415
    from catalog_service.services.imports import ImportService  # noqa: PLC0415
    from catalog_service.settings import Settings  # noqa: PLC0415
    from servicekit import logs  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(Settings)
    logs.configure("catalog_service", settings, stream=sys.stderr)
    async with work_pool(settings, application_name="catalog import") as pool:
        imports = ImportService(pool, points=settings.import_points)
        # Nobody's account: whoever has this machine's settings.
        opened = await asyncio.to_thread(file.open, "rb")
        job_id = await imports.start(opened, kind, dry_run=dry_run, by=UUID(int=0))
        await imports.wait()
        return await imports.get(job_id)
