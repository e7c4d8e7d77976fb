"""Stands in for every service: the same commands, no work. The standard library alone, so that it starts fast."""
# ruff: noqa: T201 - its words are what the tests read

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    apps: dict[str, dict[str, object]] = {}  # noqa: RUF012 - shared by all requests on purpose

    def do_GET(self) -> None:
        if self.path == "/readyz" and os.environ.get("FAKE_BROKEN"):
            self._answer(503, {})
        elif self.path.startswith("/api/v1/categories"):
            self._answer(200, {"items": [{"slug": "tools"}]})
        elif self.path.startswith("/api/v1/apps/by-package/"):
            app = self.apps.get(self.path.rpartition("/")[2])
            self._answer(200 if app else 404, app or {})
        else:
            self._answer(200 if self.path in {"/readyz", "/healthz"} else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/api/v1/auth/login":
            self._answer(200, {"access_token": "token"})
        elif self.path == "/api/v1/apps":
            app = body | {"id": body["package_name"], "status": "draft"}
            self.apps[body["package_name"]] = app
            self._answer(201, app)
        else:
            print("published", self.path.split("/")[-2])
            self._answer(200, {})

    def _answer(self, status: int, body: object) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None: ...


def main(package: str) -> None:
    command, *arguments = sys.argv[1:]
    if command == "migrate":
        print("migrating")
        sys.exit(int(os.environ.get(f"FAKE_MIGRATE_{package}", "0")))
    if command == "create-user":
        password = sys.stdin.readline().strip()
        print("account", *arguments, f"password of {len(password)} characters")
        return
    if os.environ.get("FAKE_BROKEN") == package:
        sys.exit(78)
    if command == "serve" and os.environ.get("FAKE_GRANDCHILD") == package:
        child = subprocess.Popen(["sleep", "1000"])
        print("grandchild", child.pid)
    if command == "serve":
        print("knows", *sorted(name for name in os.environ if name.endswith(("_URL", "_SECRET", "_PASSWORD"))))
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    if command == "serve":
        port = int(arguments[arguments.index("--port") + 1])
        server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{command} as process {os.getpid()}")
    ended.wait()
    print("ended when asked")
