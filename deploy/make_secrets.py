"""Makes the secrets of an installation once, a file for each, in ``deploy/secrets`` (or the folder that is named).

    python deploy/make_secrets.py [FOLDER] [--postgres HOST:PORT] [--valkey HOST:PORT]

Run again it makes only what is missing: nothing that is in use ever changes. Compose mounts each file where the service
looks for it, and the overlays of Kubernetes make their Secrets from the same folder.

The folder is its owner's alone. The files in it are readable by all, because Compose mounts them as they are and the
services are not root: outside of the containers nobody gets as far as the files.
"""

import argparse
import os
import secrets
import string
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

ALPHABET = string.ascii_letters + string.digits  # needs no quoting anywhere
LENGTH = 43  # 256 bits
DATABASES = ("auth", "catalog", "rewards", "isin")
VALKEY_DATABASES = {"isin": 0, "web": 1, "rewards": 2, "gateway": 3}


class Folder:
    """Secrets by name."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self.made: list[str] = []

    def ensure(self, name: str, text: Callable[[], str]) -> str:
        """The secret of this name; made when it is not there."""
        file = self._path / name
        if not file.exists():
            fresh = file.with_name(f".{name}.new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "w") as out:
                out.write(text())
            fresh.replace(file)
            self.made.append(name)
        return file.read_text()


def random_secret() -> str:
    """Nobody has to remember it."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def make(folder: Folder, *, postgres: str, valkey: str) -> None:
    """Everything that ``deploy/compose.yaml`` names; ``host:port`` of the two stores."""
    folder.ensure("postgres_password", random_secret)
    for name in DATABASES:
        password = quote(folder.ensure(f"{name}_database_password", random_secret))
        folder.ensure(
            f"{name}_database_url", lambda who=name, word=password: f"postgresql://{who}:{word}@{postgres}/{who}"
        )
        folder.ensure(f"{name}_cursor_secret", random_secret)
    word = folder.ensure("valkey_password", random_secret)
    folder.ensure("valkey_auth.conf", lambda: f"requirepass {word}\n")
    for name, number in VALKEY_DATABASES.items():
        folder.ensure(f"{name}_redis_url", lambda which=number: f"redis://:{quote(word)}@{valkey}/{which}")
    folder.ensure("auth_signing_key_secret", random_secret)
    folder.ensure("auth_admin_password", random_secret)
    folder.ensure("web_session_secret", random_secret)
    folder.ensure("grafana_password", random_secret)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "secrets")
    parser.add_argument("--postgres", default="postgres:5432", metavar="HOST:PORT", help="for the URLs")
    parser.add_argument("--valkey", default="valkey:6379", metavar="HOST:PORT", help="for the URLs")
    arguments = parser.parse_args()
    folder = Folder(arguments.folder)
    make(folder, postgres=arguments.postgres, valkey=arguments.valkey)
    sys.stdout.write(f"{arguments.folder}: {len(folder.made)} secrets made\n")


if __name__ == "__main__":
    main()
