"""Each distribution declares what it imports: alone in its image there is nobody else's package to borrow.

What a declared package always brings along counts as declared.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = [file.parent for file in [*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")]]
MEMBERS += [ROOT / "gateway", ROOT / "web"]
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[(?P<extras>[^\]]*)\])?[^;]*(?:;(?P<marker>.*))?")


def plain(name: str) -> str:
    """As the index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project(folder: Path) -> dict[str, object]:
    """The declaration of one of ours."""
    found: dict[str, object] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


OURS = {plain(str(project(folder)["name"])): folder for folder in MEMBERS}
# Ours are installed as links to their source, which the metadata of imports does not know.
DISTRIBUTIONS = dict(packages_distributions()) | {
    path.name: [name] for name, folder in OURS.items() for path in (folder / "src").iterdir()
}


@cache
def brought(name: str, extras: str) -> frozenset[str]:
    """A distribution by its plain name with all that it needs, with these extras."""
    wanted = {plain(extra) for extra in extras.split(",") if extra}
    names = {name}
    for extra, line in lines(name):
        if extra is None or extra in wanted:
            names |= of_line(line)
    return frozenset(names)


def lines(name: str) -> Iterable[tuple[str | None, str]]:
    """What a distribution requires, each with the extra that asks for it."""
    if name in OURS:
        declaration = project(OURS[name])
        yield from ((None, line) for line in declaration["dependencies"])  # type: ignore[attr-defined]  # a list
        for extra, of_extra in declaration.get("optional-dependencies", {}).items():  # type: ignore[attr-defined]  # as above
            yield from ((plain(extra), line) for line in of_extra)
        return
    for line in requires(name) or ():
        asked = re.search(r"extra == [\"']([^\"']+)", line)
        yield (plain(asked[1]) if asked else None), line


def of_line(line: str) -> frozenset[str]:
    """What one requirement brings; nothing when it is not installed here, as for another platform."""
    found = REQUIREMENT.match(line)
    assert found is not None, line
    try:
        return brought(plain(found["name"]), (found["extras"] or "").replace(" ", ""))
    except ImportError:  # PackageNotFoundError
        return frozenset()


def imported(folder: Path) -> dict[str, str]:
    """Top-level names by a file that imports them; what is for tests alone is left out."""
    found: dict[str, str] = {}
    for file in (folder / "src").rglob("*.py"):
        if "testing" in {file.stem, file.parent.name}:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0]: str(file) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.partition(".")[0]] = str(file)
    return found


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_is_imported_is_declared(name: str) -> None:
    extras = ",".join(str(extra) for extra, _ in lines(name) if extra)  # of libraries: whoever uses them asks for them
    known = brought(name, extras)
    borrowed = {
        module: file
        for module, file in imported(OURS[name]).items()
        if module not in sys.stdlib_module_names and not known & {plain(one) for one in DISTRIBUTIONS.get(module, [])}
    }
    assert borrowed == {}
