"""The command `local-stack`."""

import asyncio
import os
import sys

import click

from local_stack.console import Console
from local_stack.embedded.postgres import InitialisationFailed
from local_stack.embedded.programs import UnusableProgram
from local_stack.parts import Site, needs_postgres
from local_stack.preflight import CannotStart, check_data, sole_run
from local_stack.secrets_store import SecretsStore
from local_stack.settings import BadSetting, Settings
from local_stack.stack import run_stack
from local_stack.terminal import end_with_make, own_foreground


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Appraise on one machine."""


@main.command()
def run() -> None:
    """Start every part of the platform and keep it running until Ctrl-C."""
    end_with_make()
    try:
        settings = Settings.read(os.environ)
        with sole_run(settings), own_foreground():
            site = Site(settings, SecretsStore(settings.var / "secrets"), dict(os.environ))
            if needs_postgres(os.environ):
                check_data(settings.var / "postgres", password_known="postgres" in site.secrets)
            code = asyncio.run(run_stack(site, Console()))
    except (BadSetting, CannotStart, InitialisationFailed, UnusableProgram) as refusal:
        code = _refuse(str(refusal))
    except OSError as error:  # a full disk, say, found out on the way
        code = _refuse(f"{error.strerror}: {error.filename}" if error.filename else str(error))
    sys.exit(code)


@main.command("demo-feed")
@click.option("--port", type=click.IntRange(1, 65535), required=True)
def demo_feed(port: int) -> None:
    """Serve a made-up list of ISINs in the layout of a stock exchange."""
    from local_stack import demo_feed as feed  # noqa: PLC0415 - only this command needs the extractor

    with feed.server(port) as server:
        click.echo(f"a list of {feed.ROWS} made-up securities on {feed.url(port)}")
        server.serve_forever()


def _refuse(reason: str) -> int:
    click.echo(f"local-stack: {reason}", err=True)
    return 1
