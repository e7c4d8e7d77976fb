"""The commands that every service has: ``serve``, ``migrate`` and ``new-migration``."""

import gc
import importlib
from pathlib import Path
from types import ModuleType

import click

GRACE_SECONDS = 8


def service_cli(package: str) -> click.Group:
    """The command group of the service in ``package``, which has ``main.create_app`` and ``settings.Settings``.

    Heavy imports happen inside the commands, so that ``--help`` and errors are quick.
    """

    purpose = importlib.import_module(package).__doc__
    group = click.Group(help=purpose, context_settings={"help_option_names": ["-h", "--help"]})

    @group.command()
    @click.option("--host", default="127.0.0.1", show_default=True)
    @click.option("--port", type=click.IntRange(1, 65535), required=True)
    def serve(host: str, port: int) -> None:
        """Serve the API over HTTP."""
        serve_app(package, host, port)

    @group.command()
    def migrate() -> None:
        """Bring the database's schema to the newest revision. Safe to run again."""
        from servicekit import migrations  # noqa: PLC0415 - see the docstring
        from servicekit.settings import load_settings  # noqa: PLC0415

        settings = load_settings(_module(package, "settings").Settings)
        try:
            migrations.upgrade(_package_file(package), settings.database_url.get_secret_value())
        except OSError as error:
            raise click.ClickException(f"the database can't be reached: {error}") from error

    @group.command("new-migration")
    @click.argument("message")
    def new_migration(message: str) -> None:
        """Write a new migration from the difference between the models and the database."""
        from alembic import command  # noqa: PLC0415

        from servicekit import migrations  # noqa: PLC0415
        from servicekit.settings import load_settings  # noqa: PLC0415

        settings = load_settings(_module(package, "settings").Settings)
        config = migrations.config(_package_file(package), settings.database_url.get_secret_value())
        revisions = Path(_package_file(package)).parent / "migrations" / "versions"
        command.revision(config, message, autogenerate=True, rev_id=f"{len(list(revisions.glob('*.py'))) + 1:04d}")

    return group


def serve_app(package: str, host: str, port: int) -> None:
    """Run ``create_app(settings)`` of the package under uvicorn until SIGINT or SIGTERM."""
    import uvicorn  # noqa: PLC0415 - keeps --help quick

    from servicekit import logs, traces  # noqa: PLC0415
    from servicekit.server import run  # noqa: PLC0415
    from servicekit.settings import load_settings  # noqa: PLC0415

    settings = load_settings(_module(package, "settings").Settings)
    logs.configure(package, settings)
    traces.configure(package, settings)
    app = _module(package, "main").create_app(settings)
    # Modules, routes and models stay to the end. To look at them all again stops the loop for 50 ms at a time.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    run(config, drain_seconds=settings.drain_seconds)


def _module(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")


def _package_file(package: str) -> str:
    return str(importlib.import_module(package).__file__)
