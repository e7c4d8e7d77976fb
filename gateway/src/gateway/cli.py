"""The command ``gateway``."""

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The only public door of the platform."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), required=True)
def serve(host: str, port: int) -> None:
    """Serve the door over HTTP. SIGHUP reads the file of routes again."""
    from gateway.server import serve_gateway  # noqa: PLC0415 - keeps --help quick

    serve_gateway(host, port)
