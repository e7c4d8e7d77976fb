"""The five endpoints in Flask with Flask-SQLAlchemy, as their manuals write it. Served by gunicorn."""

import hashlib
import os
import time
from functools import wraps
from pathlib import Path
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from flask import Flask, abort, g, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import FetchedValue

SECRET, FOLDER = os.environ["PEER_SECRET"], Path(os.environ["PEER_FOLDER"])
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["PEER_URL"].replace("postgresql:", "postgresql+psycopg:")
app.config["MAX_CONTENT_LENGTH"] = 10_000_000
app.json.sort_keys = False
db = SQLAlchemy(app)
hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class App(db.Model):
    """An app that people try."""

    id = db.Column(db.Uuid, primary_key=True, server_default=FetchedValue())
    package_name = db.Column(db.Text, unique=True)
    name = db.Column(db.Text)
    summary = db.Column(db.Text)
    points = db.Column(db.BigInteger)
    created_at = db.Column(db.DateTime(timezone=True), server_default=FetchedValue())

    def as_json(self) -> dict:
        """What the API shows."""
        return {
            "id": str(self.id),
            "package_name": self.package_name,
            "name": self.name,
            "summary": self.summary,
            "points": self.points,
            "created_at": self.created_at.isoformat().replace("+00:00", "Z"),
        }


class AppChange(db.Model):
    """Who made what."""

    id = db.Column(db.BigInteger, primary_key=True)
    app_id = db.Column(db.Uuid)
    changed_by = db.Column(db.Text)


class Account(db.Model):
    """Somebody who signs in."""

    email = db.Column(db.Text, primary_key=True)
    password_hash = db.Column(db.Text)


class Upload(db.Model):
    """A file that came."""

    id = db.Column(db.BigInteger, primary_key=True)
    sha256 = db.Column(db.Text)
    size = db.Column(db.BigInteger)
    uploaded_by = db.Column(db.Text)


def signed_in(view):
    """Let only those through who have a token."""

    @wraps(view)
    def guarded(*args, **kwargs):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            g.email = jwt.decode(token, SECRET, algorithms=["HS256"])["sub"]
        except jwt.PyJWTError:
            abort(401)
        if kind.lower() != "bearer":
            abort(401)
        return view(*args, **kwargs)

    return guarded


@app.get("/apps")
def list_apps():
    """Fifty apps, after a certain one."""
    query = db.select(App).order_by(App.id).limit(51)
    if "after" in request.args:
        query = query.where(App.id > _uuid(request.args["after"]))
    apps = db.session.scalars(query).all()
    return jsonify(items=[one.as_json() for one in apps[:50]], next=str(apps[49].id) if len(apps) > 50 else None)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        abort(422)


@app.get("/apps/<uuid:app_id>")
def one_app(app_id: UUID):
    """One app."""
    return jsonify(db.get_or_404(App, app_id).as_json())


@app.post("/apps")
@signed_in
def create_app():
    """A new app, and who made it, in one transaction."""
    body = request.get_json()
    if not isinstance(body, dict) or set(body) != {"package_name", "name", "summary", "points"}:
        abort(422)
    texts = all(isinstance(body[name], str) and len(body[name]) <= 500 for name in ("package_name", "name", "summary"))
    if not texts or type(body["points"]) is not int or body["points"] < 0:
        abort(422)
    made = App(**body)
    db.session.add(made)
    db.session.flush()
    db.session.add(AppChange(app_id=made.id, changed_by=g.email))
    answer = made.as_json()
    db.session.commit()
    return jsonify(answer), 201


@app.post("/login")
def login():
    """A token for a password."""
    body = request.get_json()
    if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in ("email", "password")):
        abort(422)
    account = db.session.get(Account, body["email"]) or abort(401)
    try:
        hasher.verify(account.password_hash, body["password"])
    except VerifyMismatchError:
        abort(401)
    return jsonify(token=jwt.encode({"sub": account.email, "exp": int(time.time()) + 600}, SECRET, "HS256"))


@app.post("/uploads")
@signed_in
def upload():
    """A file into the folder, named by its hash, and a row."""
    content = (request.files.get("file") or abort(422)).read()
    digest = hashlib.sha256(content).hexdigest()
    (FOLDER / digest).write_bytes(content)
    db.session.add(Upload(sha256=digest, size=len(content), uploaded_by=g.email))
    db.session.commit()
    return jsonify(sha256=digest, size=len(content)), 201
