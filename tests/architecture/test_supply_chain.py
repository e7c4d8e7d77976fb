"""What we build on: every package is pinned with its hash, has a lower bound that the lock keeps, and no address."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import canaries
import pytest
from minimum_versions import OURS, ROOT, members
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCK = (ROOT / "requirements.lock").read_text()


def faults_of_a_lock(lock: str) -> list[str]:
    """Its requirements that are not pinned by version and hash, and its lines that say where something is to be had."""
    requirements = re.split(r"\n(?=[a-zA-Z0-9])", lock.strip())
    pinned = re.compile(r"[\w.-]+(\[[\w,]+\])?==[\w.!+]+( ; [^\n]+?)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
    faults = [text.partition(" ")[0] for text in requirements if not pinned.fullmatch(text)]
    return faults + re.findall(r"^.*(?:://|--(?:extra-)?index-url|--find-links| @ ).*$", lock, re.MULTILINE)


def declared() -> list[tuple[str, Requirement]]:
    """Every requirement that a distribution of ours names, but those on each other."""
    found = []
    for folder in members():
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        extras = project.get("optional-dependencies", {}).values()
        texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
        found += [(folder, Requirement(text)) for text in texts]
    development = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    found += [(".", Requirement(text)) for text in development]
    return [(folder, requirement) for folder, requirement in found if requirement.name not in OURS]


def locked() -> dict[str, set[Version]]:
    """The versions of the lock; a package may have several, by the version of Python."""
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.!+]+)", LOCK, re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def test_the_lock_pins_versions_and_hashes_and_names_no_place() -> None:
    assert faults_of_a_lock(LOCK) == []


@pytest.mark.parametrize(
    "planted",
    [
        "evil==1.0",
        "evil>=1.0 \\\n    --hash=sha256:" + "0" * 64,
        "evil==1.0 \\\n    --hash=md5:" + "0" * 32,
        "evil @ https://example.org/evil.whl \\\n    --hash=sha256:" + "0" * 64,
        "--extra-index-url https://example.org/simple",
    ],
)
def test_what_would_weaken_the_lock_is_seen(planted: str) -> None:
    assert faults_of_a_lock(f"{LOCK.strip()}\n{planted}\n") != []
    assert faults_of_a_lock(f"{planted}\n{LOCK.strip()}\n") != []


def test_every_dependency_has_a_lower_bound_that_the_lock_keeps() -> None:
    versions = locked()
    bounds = {">=", "=="}
    without = [f"{folder}: {one}" for folder, one in declared() if not any(s.operator in bounds for s in one.specifier)]
    assert without == []
    missed = [
        f"{folder}: {one}"
        for folder, one in declared()
        if not any(version in one.specifier for version in versions.get(canonicalize_name(one.name), ()))
    ]
    assert missed == []
    assert len(declared()) > 80


def test_each_rule_of_ours_has_a_canary() -> None:
    rules = re.findall(r"^  - id: (\S+)$", Path(canaries.__file__).with_name("semgrep.yaml").read_text(), re.MULTILINE)
    assert sorted(rules) == sorted(canaries.SEMGREP)


def test_ruff_sees_each_planted_defect(tmp_path: Path) -> None:
    for rule, contents in canaries.RUFF.items():
        for number, content in enumerate(contents):
            (tmp_path / f"{rule}-{number}.py").write_text(content)
    ruff = Path(sys.executable).with_name("ruff")
    command: list[str | Path] = [
        ruff,
        "check",
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
        "--output-format=json",
        tmp_path,
    ]
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    seen = {(one["code"], Path(one["filename"]).name) for one in found}
    planted = {(rule, f"{rule}-{number}.py") for rule, texts in canaries.RUFF.items() for number in range(len(texts))}
    assert planted <= seen
