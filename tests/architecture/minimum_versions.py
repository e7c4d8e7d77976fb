"""``make minimum``: do the lower bounds that we declare really do?

Installs the oldest version that each ``>=`` allows, of what our members and tests name themselves, into an environment
of its own in ``.venvs/``, and runs the tests that need no server there, and the main job on the whole platform.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venvs" / "minimum"
OURS = ("servicekit", "extractor", "media")
TESTS = (("-m", "not integration and not e2e"), ("tests/e2e/test_main_job.py",))


def members() -> list[str]:
    """The folders of all distributions, as the Makefile has them."""
    found = re.search(r"^MEMBERS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split()


def run(*command: str | Path) -> None:
    """Run it here; what fails ends us."""
    subprocess.run(command, cwd=ROOT, check=True)


def oldest(output: Path) -> None:
    """Write the oldest versions that our own bounds allow; what these need in turn is resolved as ever."""
    options = ["--python-version", "3.11", "--resolution", "lowest-direct", "--group", "dev", "--no-header", "--quiet"]
    ours = [option for name in OURS for option in ("--no-emit-package", name)]
    files = [f"{member}/pyproject.toml" for member in members()]
    run(Path(sys.executable).with_name("uv"), "pip", "compile", *options, *ours, *files, "-o", output)


def main() -> None:
    """The command; its arguments go to pytest, in the place of our choice of tests."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    run(sys.executable, "-m", "venv", FOLDER)
    oldest(FOLDER / "requirements.txt")
    python = FOLDER / "bin" / "python"
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*install, "-r", FOLDER / "requirements.txt")
    run(
        *install, "--no-deps", "--no-build-isolation", *(word for member in members() for word in ("-e", f"./{member}"))
    )
    for arguments in [sys.argv[1:]] if sys.argv[1:] else TESTS:
        run(python, "-m", "pytest", "--quiet", *arguments)


if __name__ == "__main__":
    main()
