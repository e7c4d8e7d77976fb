"""The five endpoints in FastAPI with asynchronous SQLAlchemy, as their manuals write it. Served by uvicorn."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import Depends, FastAPI, HTTPException, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import FetchedValue, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET, FOLDER = os.environ["PEER_SECRET"], Path(os.environ["PEER_FOLDER"])
engine = create_async_engine(os.environ["PEER_URL"].replace("postgresql:", "postgresql+asyncpg:"), pool_size=8)
sessions = async_sessionmaker(engine, expire_on_commit=False)
hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
app = FastAPI(max_body_size=10_000_000)


class Base(DeclarativeBase):
    """The tables."""


class App(Base):
    """An app that people try."""

    __tablename__ = "app"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=FetchedValue())
    package_name: Mapped[str]
    name: Mapped[str]
    summary: Mapped[str]
    points: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class AppChange(Base):
    """Who made what."""

    __tablename__ = "app_change"
    id: Mapped[int] = mapped_column(primary_key=True)
    app_id: Mapped[UUID]
    changed_by: Mapped[str]


class Account(Base):
    """Somebody who signs in."""

    __tablename__ = "account"
    email: Mapped[str] = mapped_column(primary_key=True)
    password_hash: Mapped[str]


class Upload(Base):
    """A file that came."""

    __tablename__ = "upload"
    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    size: Mapped[int]
    uploaded_by: Mapped[str]


class NewApp(BaseModel):
    """What the API takes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    package_name: str = Field(max_length=500)
    name: str = Field(max_length=500)
    summary: str = Field(max_length=500)
    points: int = Field(ge=0)


class ShownApp(BaseModel):
    """What the API shows."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    package_name: str
    name: str
    summary: str
    points: int
    created_at: datetime


class Page(BaseModel):
    """Some of the apps."""

    items: list[ShownApp]
    next: UUID | None


class Credentials(BaseModel):
    """What a login takes."""

    email: str
    password: str


class Token(BaseModel):
    """What a login gives."""

    token: str


class Stored(BaseModel):
    """What an upload gives."""

    sha256: str
    size: int


async def session() -> AsyncIterator[AsyncSession]:
    """One session for a request."""
    async with sessions() as opened:
        yield opened


def signed_in(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """Who it is, by a signed token."""
    try:
        return jwt.decode(bearer.credentials, SECRET, algorithms=["HS256"])["sub"]
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error


Database, User = Annotated[AsyncSession, Depends(session)], Annotated[str, Depends(signed_in)]


@app.get("/apps")
async def list_apps(db: Database, after: UUID | None = None) -> Page:
    """Fifty apps, after a certain one."""
    query = select(App).order_by(App.id).limit(51)
    apps = (await db.scalars(query if after is None else query.where(App.id > after))).all()
    return Page(items=apps[:50], next=apps[49].id if len(apps) > 50 else None)


@app.get("/apps/{app_id}")
async def one_app(db: Database, app_id: UUID) -> ShownApp:
    """One app."""
    found = await db.get(App, app_id)
    if found is None:
        raise HTTPException(404)
    return found


@app.post("/apps", status_code=201)
async def create_app(db: Database, user: User, body: NewApp) -> ShownApp:
    """A new app, and who made it, in one transaction."""
    made = App(**body.model_dump())
    db.add(made)
    await db.flush()
    db.add(AppChange(app_id=made.id, changed_by=user))
    await db.commit()
    return made


@app.post("/login")
async def login(db: Database, body: Credentials) -> Token:
    """A token for a password."""
    account = await db.get(Account, body.email)
    if account is None:
        raise HTTPException(401)
    try:
        await asyncio.to_thread(hasher.verify, account.password_hash, body.password)
    except VerifyMismatchError as error:
        raise HTTPException(401) from error
    return Token(token=jwt.encode({"sub": account.email, "exp": int(time.time()) + 600}, SECRET, "HS256"))


@app.post("/uploads", status_code=201)
async def upload(db: Database, user: User, file: UploadFile) -> Stored:
    """A file into the folder, named by its hash, and a row."""
    content = await file.read()
    digest = hashlib.sha256(content).hexdigest()
    await asyncio.to_thread((FOLDER / digest).write_bytes, content)
    db.add(Upload(sha256=digest, size=len(content), uploaded_by=user))
    await db.commit()
    return Stored(sha256=digest, size=len(content))
