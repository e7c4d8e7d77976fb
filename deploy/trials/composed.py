"""The platform of ``deploy/compose.yaml``, as a trial starts it: with its own secrets, mails and backups."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from running_platform import ADMIN, REVIEWER

HERE = Path(__file__).parent
DEPLOY = HERE.parent
PORTS = (18000, 18001)
URLS = tuple(f"http://127.0.0.1:{port}" for port in PORTS)
COMPOSE = ("docker", "compose")
PATIENCE_SECONDS = 1800


class Composed:
    """One stack. Everything about it goes through ``docker compose``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, mode in (("mail", 0o777), ("backups", 0o777), ("secrets", 0o700)):
            (folder / name).mkdir()
            (folder / name).chmod(mode)  # the services are another user
        (folder / "secrets" / "auth_admin_password").write_text(ADMIN[1])
        self.env = {
            **os.environ,
            "COMPOSE_FILE": f"{DEPLOY / 'compose.yaml'}:{HERE / 'compose.test.yaml'}",
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_PROGRESS": "quiet",
            "APPRAISE_SECRETS": str(folder / "secrets"),
            "APPRAISE_BACKUPS": str(folder / "backups"),
            "APPRAISE_E2E_VAR": str(folder),
            "APPRAISE_ADMIN": ADMIN[0],
            "APPRAISE_URL": URLS[0],
            "APPRAISE_PORTS": f"127.0.0.1:{PORTS[0]}-{PORTS[1]}",
        }
        self.run(sys.executable, str(DEPLOY / "make_secrets.py"), str(folder / "secrets"))

    def run(self, *command: str, feed: str | None = None, extra: Mapping[str, str] | None = None) -> str:
        """What the command prints. An AssertionError with its words when it fails."""
        done = subprocess.run(
            command,
            env={**self.env, **(extra or {})},
            input=feed,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, (
            f"{shlex.join(command)}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        return done.stdout

    def compose(self, *arguments: str, feed: str | None = None) -> str:
        """``docker compose`` with these arguments."""
        return self.run(*COMPOSE, *arguments, feed=feed)

    def can_have(self, service: str) -> bool:
        """Whether the image of a service is here, or can be fetched."""
        command = [*COMPOSE, "--profile", "*", "pull", "--policy", "missing", service]
        return subprocess.run(command, env=self.env, capture_output=True, check=False).returncode == 0

    def build(self) -> None:
        """All images."""
        self.compose("build", "--quiet")

    def up(self) -> float:
        """Start all; the seconds until all are healthy."""
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", "--wait-timeout", "600")
        return time.monotonic() - began

    def roll(self, *services: str, restart: bool = False, version: str | None = None) -> str:
        """``make roll``."""
        extra = {"APPRAISE_VERSION": version} if version else {}
        restarting = ("--restart",) if restart else ()
        return self.run(sys.executable, str(DEPLOY / "roll.py"), *restarting, *services, extra=extra)

    def make_reviewer(self) -> None:
        """The account that the journeys expect."""
        command = ("service", "create-user", "--email", REVIEWER[0], "--name", "Reviewer", "--role", "reviewer")
        self.compose("exec", "-T", "auth", *command, "--password-stdin", feed=f"{REVIEWER[1]}\n")

    def containers(self, service: str) -> list[str]:
        """Ids of the running ones."""
        return self.compose("ps", "--quiet", service).split()

    def is_healthy(self, container: str) -> bool:
        """As its own check has found."""
        return self.run("docker", "inspect", "--format", "{{.State.Health.Status}}", container).strip() == "healthy"

    def ledger(self) -> dict[str, object]:
        """``rewards verify-ledger``; an AssertionError when it does not hold."""
        found: dict[str, object] = json.loads(self.compose("exec", "-T", "rewards", "service", "verify-ledger"))
        assert found["ok"] is True, found
        return found

    def prometheus(self, path: str) -> dict[str, Any]:
        """What its API answers to a service that is on the same network."""
        code = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
        url = f"http://prometheus:9090/api/v1/{path}"
        answer: dict[str, Any] = json.loads(self.compose("exec", "-T", "rewards", "python", "-c", code, url))["data"]
        return answer

    def sizes(self) -> str:
        """Of the images."""
        return self.run(
            "docker", "images", "--filter", "reference=appraise/*", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}"
        )

    def down(self) -> None:
        """Everything, with its data."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans")
