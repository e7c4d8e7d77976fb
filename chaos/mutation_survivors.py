"""What mutmut left behind: how many mutants of a module were killed, and the lines of those that were not."""

import difflib
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KILLED = {1, 3}  # mutmut's codes: a test failed, or pytest itself
ENDLESS = {-14, 24, -24, 36, 152}  # SIGALRM: one test took too long; else all of them many times as long as before
SURVIVED = {0, 5, 33}  # all passed, or none came by
EXPLAINED = Path(__file__).parent / "mutation" / "survivors.toml"


@dataclass(frozen=True, order=True)
class Survivor:
    """A change that no test noticed: in which function, from which lines to which."""

    module: str
    function: str
    before: str
    after: str


@dataclass(frozen=True)
class Tried:
    """A module: its mutants by what became of them; ``endless`` are those of the killed that were so by time."""

    module: str
    killed: int
    endless: int
    survivors: tuple[Survivor, ...]
    untried: int

    @property
    def planted(self) -> int:
        """All that were tried."""
        return self.killed + len(self.survivors)


def tried(folder: Path, module: str) -> Tried:
    """What is written down of a module below mutmut's ``folder``."""
    file = folder / "mutants" / "src" / f"{module.replace('.', '/')}.py"
    codes: dict[str, int | None] = json.loads(Path(f"{file}.meta").read_text())["exit_code_by_key"]
    counts = Counter(codes.values())
    endless = sum(counts[code] for code in ENDLESS)
    killed = sum(counts[code] for code in KILLED) + endless
    survivors = sorted(_survivors(file, module, [name for name, code in codes.items() if code in SURVIVED]))
    return Tried(module, killed, endless, tuple(survivors), len(codes) - killed - len(survivors))


def _survivors(file: Path, module: str, names: list[str]) -> Iterator[Survivor]:
    lines = file.read_text().splitlines()
    spans: dict[str, list[int]] = json.loads(Path(f"{file}.spans").read_text())["spans"]

    def source(name: str) -> list[str]:
        first, last = spans[name]
        return [line.replace(name, "").strip() for line in lines[first - 1 : last]]

    for name in names:
        mutant = name.removeprefix(f"{module}.")
        mangled = mutant.partition("__mutmut_")[0]
        difference = list(difflib.ndiff(source(f"{mangled}__mutmut_orig"), source(mutant)))
        before, after = (" ".join(line[2:] for line in difference if line[0] == sign) for sign in "-+")
        yield Survivor(module, mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), before, after)


def forget_survivors(folder: Path) -> None:
    """Let those be tried again that no test's failure killed (was it the machine?), by whichever tests reach them."""
    (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for file in (folder / "mutants" / "src").rglob("*.meta"):
        written = json.loads(file.read_text())
        codes = written["exit_code_by_key"]
        written["exit_code_by_key"] = {name: code if code in KILLED else None for name, code in codes.items()}
        file.write_text(json.dumps(written))


def explanations() -> dict[str, dict[str, str]]:
    """Why they may live: for each function as ``module.function``, a piece of the changed line and the reason."""
    return tomllib.loads(EXPLAINED.read_text())


def explanation(survivor: Survivor) -> str | None:
    """Why this one may live, if somebody has said it."""
    of_function = explanations().get(f"{survivor.module}.{survivor.function}", {})
    return next((why for piece, why in of_function.items() if piece in survivor.after), None)
