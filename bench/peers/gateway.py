"""What the gateway is compared with: nginx as a proxy, FastAPI with httpx; and what stands behind all of them."""

import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any, Self
from uuid import UUID

import httpx
import jwt
import psutil
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from servicekit.tokens import ALGORITHM, TOKEN_TYPE

_COMMON = """
daemon off; master_process off; worker_processes 1; pid @FOLDER@/@PORT@.pid;
events { worker_connections 8192; }
"""
_FOLDERS = """
  access_log off; client_body_temp_path @FOLDER@/body; proxy_temp_path @FOLDER@/proxy;
  fastcgi_temp_path @FOLDER@/fastcgi;
  uwsgi_temp_path @FOLDER@/uwsgi; scgi_temp_path @FOLDER@/scgi; keepalive_requests 1000000000;
"""
NGINX_UPSTREAM = (
    _COMMON
    + """
http {
"""
    + _FOLDERS
    + """
  client_max_body_size 0;
  server {
    listen 127.0.0.1:@PORT@ backlog=4096;
    default_type application/json;
    location = /.well-known/jwks.json { return 200 '@JWKS@'; }
    location = /internal/revocations { return 200 '{"items":[],"last":0}'; }
    location / { add_header Cache-Control "private, no-store"; add_header ETag '"1"'; return 200 '@BODY@'; }
  }
}
"""
)
NGINX_PROXY = (
    _COMMON
    + """
http {
"""
    + _FOLDERS
    + """
  client_max_body_size 10m;
  upstream behind { server 127.0.0.1:@BEHIND@; keepalive 256; keepalive_requests 1000000000; }
  upstream events { server 127.0.0.1:@EVENTS@; }
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Request-ID $request_id;
  proxy_request_buffering off;
  server {
    listen 127.0.0.1:@PORT@ backlog=4096;
    location / { proxy_pass http://behind; }
    location /api/v1/events { proxy_buffering off; proxy_pass http://events; }
    location /api/v1/tasks { proxy_pass http://events; }
  }
}
"""
)
EVENT = b'event: points.updated\ndata: {"balance": 123456}\n\n'
READERS, EVENTS_A_SECOND = 100, 100


class Signer:
    """A key and the tokens that it signs."""

    issuer = "http://bench"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        public = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.jwks = json.dumps({"keys": [{**public, "kid": "bench"}]})

    def token(self) -> str:
        """An access token that outlives the bench."""
        now, nobody = int(time.time()), str(UUID(int=1))
        claims = {"iss": self.issuer, "aud": "appraise", "iat": now, "exp": now + 7200, "jti": nobody, "sub": nobody}
        claims |= {"sid": nobody, "roles": ["user"], "email_verified": True}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE, "kid": "bench"})


class EventSource:
    """A service that takes uploads and sends EVENTS_A_SECOND events, in a process of its own, and their readers."""

    def __init__(self, port: int, core: int) -> None:
        self._process = multiprocessing.Process(target=_serve_rewards, args=(port, core), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    async def read(self, port: int, process: psutil.Process, token: str, seconds: float) -> dict[str, float]:
        """Events a second over all readers, and microseconds of the proxy for each."""
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(READERS)]
        for reader, writer in streams:
            writer.write(head)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        spent, counts = sum(process.cpu_times()[:2]), [0]

        async def count(reader: asyncio.StreamReader) -> None:
            while True:
                counts[0] += (await reader.read(65536)).count(b"event:")

        tasks = [asyncio.create_task(count(reader)) for reader, _ in streams]
        await asyncio.sleep(seconds)
        spent = sum(process.cpu_times()[:2]) - spent
        for task in tasks:
            task.cancel()
        for _, writer in streams:
            writer.transport.abort()
        return {"rate": counts[0] / seconds, "cpu": spent / counts[0] * 1e6}


def _serve_rewards(port: int, core: int) -> None:
    os.sched_setaffinity(0, {core})

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET"):
                    await send_events(writer)
                left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                while left:
                    left -= len(await reader.read(min(left, 1 << 20)))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    async def send_events(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
            await writer.drain()
            await asyncio.sleep(1 / EVENTS_A_SECOND)
        raise ConnectionError

    async def serve() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", port, limit=1 << 20)
        await server.serve_forever()

    uvloop.run(serve())


def httpx_proxy(behind: int) -> FastAPI:
    """The proxy that most would write first."""
    app = FastAPI()
    client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{behind}", trust_env=False)

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def relay(path: str, request: Request) -> StreamingResponse:
        headers = [(name, value) for name, value in request.headers.raw if name != b"host"]
        asked = client.build_request(request.method, f"/{path}", headers=headers, content=await request.body())
        answer = await client.send(asked, stream=True)

        async def body() -> AsyncIterator[bytes]:
            async for piece in answer.aiter_raw():
                yield piece
            await answer.aclose()

        kept: Any = {name: value for name, value in answer.headers.items() if name not in {"connection", "date"}}
        return StreamingResponse(body(), status_code=answer.status_code, headers=kept)

    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(
        httpx_proxy(int(sys.argv[2])), port=int(sys.argv[1]), http="httptools", log_config=None, access_log=False
    )
