"""The command ``web``."""

import click

from servicekit.cli import serve_app


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The pages of Appraise."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), required=True)
def serve(host: str, port: int) -> None:
    """Serve the pages over HTTP."""
    serve_app("web", host, port)
