"""Rules that hold for every file of the repository."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The names are put together here so that this file does not trip itself.
REGISTRIES = re.compile(
    "|".join((r"pypi\.o" + "rg", r"pythonhosted\.o" + "rg", r"registry\.npmjs\.o" + "rg", r"deb\.debian\.o" + "rg"))
)
LARGE_FILE = 1_500_000


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


TRACKED = _tracked()


def test_no_file_names_a_package_registry() -> None:
    naming = [path for path in TRACKED if REGISTRIES.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert naming == []


def test_no_lock_with_addresses_is_committed() -> None:
    assert {"uv.lock", "package-lock.json"}.isdisjoint(path.name for path in TRACKED)


def test_no_large_file_is_committed() -> None:
    assert [path for path in TRACKED if path.stat().st_size > LARGE_FILE] == []


@pytest.mark.parametrize(
    ("name", "minimum"),
    [
        ("starlette", (1, 0, 1)),
        ("pyjwt", (2, 12)),
        ("python-multipart", (0, 0, 26)),
        ("h11", (0, 16)),
        ("pillow", (12,)),
    ],
)
def test_the_lock_holds_no_version_with_a_known_hole(name: str, minimum: tuple[int, ...]) -> None:
    locked = re.search(rf"^{name}==([0-9.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked is not None
    assert tuple(map(int, locked[1].split("."))) >= minimum


def test_each_folder_is_a_distribution_of_its_own() -> None:
    makefile = (ROOT / "Makefile").read_text()
    members = re.search(r"^MEMBERS := (.+)$", makefile, re.MULTILINE)
    assert members is not None
    declared = {path.parent.relative_to(ROOT).as_posix() for path in TRACKED if path.name == "pyproject.toml"} - {"."}
    assert set(members[1].split()) == declared
    for folder in declared:
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        assert project["requires-python"] == ">=3.11"
        assert (ROOT / folder / "README.md").is_file()


def test_every_lint_exception_in_the_code_names_its_rule() -> None:
    bare = re.compile(r"#\s*noqa(?!:)|#\s*type:\s*ignore(?!\[)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in TRACKED
        if path.suffix == ".py" and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []


def test_servicekit_stays_small() -> None:
    source = ROOT / "libs/servicekit/src/servicekit"
    lines = sum(len(path.read_text().splitlines()) for path in source.rglob("*.py"))
    assert lines < 2_450, "servicekit takes a thing in only when two services use it"
