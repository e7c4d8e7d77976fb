"""The catalogue as a process of its own, as it is served everywhere, with an auth service that is only a key."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from catalog_service.settings import Settings
from local_stack.ports import free_ports
from servicekit import testing

PUBLIC_KEY: Ed25519PublicKey = testing.test_keys().keys[testing.KEY_ID]


@dataclass(frozen=True)
class Served:
    """A running catalogue."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def token(*roles: str) -> str:
    """An access token that the catalogue believes for ten minutes."""
    return testing.make_token(UUID(int=1), roles, Settings.example())


@contextmanager
def served(database_url: str, **settings: str) -> Iterator[Served]:
    """Serve the catalogue on this database until the end of the block; ``settings``: more of ``CATALOG_...``."""
    (port,) = free_ports(1)
    with published_key() as jwks_url, tempfile.TemporaryDirectory() as folder:
        values = {
            "environment": "production",
            "log_level": "warning",  # the peers write no access log either
            "database_url": database_url,
            "cursor_secret": testing.TEST_SECRET,
            "blob_url": f"file://{folder}",
            "jwks_url": jwks_url,
            **settings,
        }
        environment = os.environ | {f"CATALOG_{name.upper()}": value for name, value in values.items()}
        command = [sys.executable, "-m", "catalog_service", "serve", "--port", str(port)]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own program
        try:
            until_it_answers(f"http://127.0.0.1:{port}/readyz", process)
            yield Served(port, process)
        finally:
            process.terminate()
            process.wait(timeout=20)


def until_it_answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait for 200 at ``url``. Raises RuntimeError when the process ends first, TimeoutError after 30 s."""
    for _ in range(600):
        try:
            urlopen(url, timeout=5).close()  # noqa: S310 - our own address
        except OSError:
            time.sleep(0.05)
        else:
            return
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    raise TimeoutError(url)


@contextmanager
def published_key() -> Iterator[str]:
    """Publish the key of ``token`` as auth would."""
    key = OKPAlgorithm.to_jwk(PUBLIC_KEY, as_dict=True) | {"kid": testing.KEY_ID}
    document = msgspec.json.encode({"keys": [key]})

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
