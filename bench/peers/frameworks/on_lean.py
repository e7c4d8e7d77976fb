"""The five endpoints in FastAPI as this project's hot paths are written: statements on asyncpg, answers by msgspec."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import asyncpg
import jwt
import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import Depends, FastAPI, HTTPException, Request, Response, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

SECRET, FOLDER = os.environ["PEER_SECRET"], Path(os.environ["PEER_FOLDER"])
COLUMNS = "id, package_name, name, summary, points, created_at"
hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
encode = msgspec.json.Encoder().encode


class ShownApp(msgspec.Struct):
    """What the API shows."""

    id: UUID
    package_name: str
    name: str
    summary: str
    points: int
    created_at: datetime


Text = Annotated[str, msgspec.Meta(max_length=500)]


class NewApp(msgspec.Struct, forbid_unknown_fields=True):
    """What the API takes."""

    package_name: Text
    name: Text
    summary: Text
    points: Annotated[int, msgspec.Meta(ge=0)]


class Credentials(msgspec.Struct):
    """What a login takes."""

    email: str
    password: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The pool lives as long as the process."""
    async with asyncpg.create_pool(os.environ["PEER_URL"], min_size=8, max_size=8) as app.state.db:
        yield


app = FastAPI(lifespan=lifespan, max_body_size=10_000_000)


def answer(document: object, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(encode(document), status, media_type="application/json")


def decoded(body: bytes, shape: type) -> msgspec.Struct:
    """A body of this shape, or 422."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise HTTPException(422) from error


def signed_in(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """Who it is, by a signed token."""
    try:
        return jwt.decode(bearer.credentials, SECRET, algorithms=["HS256"])["sub"]
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error


User = Annotated[str, Depends(signed_in)]


@app.get("/apps")
async def list_apps(request: Request, after: UUID | None = None) -> Response:
    """Fifty apps, after a certain one."""
    query = f"SELECT {COLUMNS} FROM app WHERE ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT 51"  # noqa: S608 - fixed
    rows = await request.app.state.db.fetch(query, after)
    return answer({"items": [ShownApp(*row) for row in rows[:50]], "next": rows[49][0] if len(rows) > 50 else None})


@app.get("/apps/{app_id}")
async def one_app(request: Request, app_id: UUID) -> Response:
    """One app."""
    row = await request.app.state.db.fetchrow(f"SELECT {COLUMNS} FROM app WHERE id = $1", app_id)  # noqa: S608 - fixed
    if row is None:
        raise HTTPException(404)
    return answer(ShownApp(*row))


@app.post("/apps")
async def create_app(request: Request, user: User) -> Response:
    """A new app, and who made it, in one transaction."""
    new = decoded(await request.body(), NewApp)
    async with request.app.state.db.acquire() as db, db.transaction():
        row = await db.fetchrow(
            f"INSERT INTO app (package_name, name, summary, points) VALUES ($1, $2, $3, $4) RETURNING {COLUMNS}",  # noqa: S608 - fixed
            new.package_name, new.name, new.summary, new.points,
        )  # fmt: skip
        await db.execute("INSERT INTO app_change (app_id, changed_by) VALUES ($1, $2)", row[0], user)
    return answer(ShownApp(*row), 201)


@app.post("/login")
async def login(request: Request) -> Response:
    """A token for a password."""
    asked = decoded(await request.body(), Credentials)
    hashed = await request.app.state.db.fetchval("SELECT password_hash FROM account WHERE email = $1", asked.email)
    if hashed is None:
        raise HTTPException(401)
    try:
        await asyncio.to_thread(hasher.verify, hashed, asked.password)
    except VerifyMismatchError as error:
        raise HTTPException(401) from error
    return answer({"token": jwt.encode({"sub": asked.email, "exp": int(time.time()) + 600}, SECRET, "HS256")})


@app.post("/uploads")
async def upload(request: Request, user: User, file: UploadFile) -> Response:
    """A file into the folder, named by its hash, and a row."""
    content = await file.read()
    digest = hashlib.sha256(content).hexdigest()
    await asyncio.to_thread((FOLDER / digest).write_bytes, content)
    query = "INSERT INTO upload (sha256, size, uploaded_by) VALUES ($1, $2, $3)"
    await request.app.state.db.execute(query, digest, len(content), user)
    return answer({"sha256": digest, "size": len(content)}, 201)
