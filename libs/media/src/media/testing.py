"""For tests: an S3 server on this machine, moto's, with one bucket in its memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

BUCKET = "pictures"


@contextmanager
def s3_server() -> Iterator[str]:
    """Yields the address of the server; it costs a fifth of a second."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with urlopen(Request(f"http://{host}:{port}/{BUCKET}", method="PUT")):  # makes the bucket
            yield f"http://{host}:{port}"
    finally:
        server.stop()


def s3_variables(address: str) -> dict[str, str]:
    """The environment that leads to the server, as it would to a real one."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
    }
