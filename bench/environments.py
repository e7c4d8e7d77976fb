"""Environments of their own for what must not meet ours: each list of pinned packages becomes one, in ``.venvs/``.

``python bench/environments.py deploy/schedulers/celery/requirements.txt ...`` makes them. One that has what its list
says is left alone, and a list that changed makes it anew.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".venvs"


def place(requirements: Path) -> Path:
    """Where the environment of this list is, or would be; the name tells which list it is."""
    inside = requirements.resolve().relative_to(ROOT).with_suffix("")
    return ENVIRONMENTS / "-".join(part for part in inside.parts if part != "requirements")


def environment(requirements: Path) -> Path:
    """The ``bin`` folder of the environment with these packages; it is made when it is not there."""
    folder, wanted = place(requirements), requirements.read_text()
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != wanted:
        sys.stderr.write(f"Installing {requirements.relative_to(ROOT)} into {folder.relative_to(ROOT)} ...\n")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603 - our own interpreter
        pip: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "--no-deps", "-r", requirements], check=True)  # noqa: S603 - our own list
        installed.write_text(wanted)
    return folder / "bin"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        environment(Path(argument).resolve())
