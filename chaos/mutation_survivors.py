"""What mutmut left behind: how many mutants of a module were killed, and the lines of those that were not."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KILLED = {1, 3}  # exit codes: a test failed, or pytest itself
ENDLESS = {24, -24, 36, 152, 255}  # the tests took many times as long as before
SURVIVED = {0, 5, 33}  # passed, or no test came by


@dataclass(frozen=True, order=True)
class Survivor:
    """A change that no test noticed: in which function, from which lines to which."""

    module: str
    function: str
    before: str
    after: str


@dataclass(frozen=True)
class Tried:
    """A module: its mutants by what became of them."""

    module: str
    killed: int
    endless: int
    survivors: tuple[Survivor, ...]
    untried: int

    @property
    def total(self) -> int:
        """All that were planted."""
        return self.killed + self.endless + len(self.survivors)


def tried(folder: Path, module: str) -> Tried:
    """What is written down below mutmut's ``folder`` of a module."""
    file = folder / "mutants" / "src" / f"{module.replace('.', '/')}.py"
    codes: dict[str, int | None] = json.loads(Path(f"{file}.meta").read_text())["exit_code_by_key"]
    counts = Counter(codes.values())
    return Tried(
        module,
        sum(counts[code] for code in KILLED),
        sum(counts[code] for code in ENDLESS),
        tuple(sorted(_survivors(file, module, [name for name, code in codes.items() if code in SURVIVED]))),
        counts[None],
    )


def _survivors(file: Path, module: str, names: list[str]) -> Iterator[Survivor]:
    lines = file.read_text().splitlines()
    spans = json.loads(Path(f"{file}.spans").read_text())["spans"]

    def source(name: str) -> list[str]:
        first, last = spans[name]
        return [line.strip() for line in lines[first:last]]  # without the line that names it

    for name in names:
        mutant = name.removeprefix(f"{module}.")
        mangled = mutant.partition("__mutmut_")[0]
        difference = list(difflib.ndiff(source(f"{mangled}__mutmut_orig"), source(mutant)))
        before, after = (" ".join(line[2:] for line in difference if line[0] == sign) for sign in "-+")
        yield Survivor(module, mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), before, after)
