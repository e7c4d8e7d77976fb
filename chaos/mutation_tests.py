"""Plants small defects into the code, one by one: does a test notice? Writes docs/mutation.md.

    .venv/bin/python chaos/mutation_tests.py [AREA …] [--minutes 90] [--again | --survivors]

mutmut plants them; it has an environment of its own, in ``.venvs/``. What was tried is kept in ``var/mutation``: a run
that has used up its minutes goes on there the next time; ``--again`` begins anew, ``--survivors`` with those alone.
Ends with 1 when an area has less than nine tenths killed, or a survivor that chaos/mutation/survivors.toml does not
explain.

mutmut changes what is inside functions without decorators, and nothing of what a module says outside of them. Lines
that write into the log are left as they are.
"""

# ruff: noqa: T201 - a script prints

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from mutation_areas import AREAS, Area
from mutation_databases import dropping_abandoned
from mutation_report import write
from mutation_survivors import forget_survivors, tried

from local_stack.embedded.for_tests import throwaway_servers

ROOT = Path(__file__).parents[1]
WORK = ROOT / "var" / "mutation"
sys.path.insert(0, str(ROOT / "bench"))
from environments import environment  # noqa: E402 - it is beside us and no package

# Our own packages come first: the tests run with what the lock says, and with mutmut besides.
MUTMUT = "import sys; sys.path += sys.argv.pop(1).split(':'); from mutmut.__main__ import cli; cli(prog_name='mutmut')"
CONFIGURATION = """\
[mutmut]
source_paths = src
only_mutate =
    {mutated}
also_copy =
    conftest.py
    libs
    services
pytest_add_cli_args_test_selection =
    {tests}
do_not_mutate_patterns = \\blog\\.\\w+\\(
process_isolation = forkserver
timeout_constant = 10
timeout_multiplier = 4
"""


def prepare(area: Area) -> Path:
    """mutmut wants all packages side by side below ``src``; the tests stay where they are in the repository."""
    folder = WORK / area.name
    for name in ("src", "libs", "services"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for member in area.members:
        shutil.copytree(ROOT / member / "src", folder / "src", dirs_exist_ok=True)
        shutil.copytree(ROOT / member / "tests", folder / member / "tests")
    shutil.copy2(ROOT / "pyproject.toml", folder)
    (folder / "conftest.py").write_text(f'{(ROOT / "conftest.py").read_text()}\npytest_plugins = ["mutation_plugin"]\n')
    mutated = [f"src/{module.replace('.', '/')}.py" for module in area.modules]
    (folder / "setup.cfg").write_text(
        CONFIGURATION.format(mutated="\n    ".join(mutated), tests="\n    ".join(area.tests))
    )
    return folder


def mutmut(area: Area, folder: Path, seconds: float) -> bool:
    """Plant what was not planted yet. Returns whether all was tried before the time was up."""
    packages = next((environment(ROOT / "chaos/mutation/requirements.txt").parent / "lib").glob("*/site-packages"))
    command = [sys.executable, "-c", MUTMUT, f"{packages}:{Path(__file__).parent}", "run", "--max-children", "2"]
    with (
        throwaway_servers(workers=2) as servers,
        dropping_abandoned(servers.postgres_url),
        (folder / "mutmut.log").open("w") as log,
    ):
        variables = {
            "APPRAISE_TEST_POSTGRES_URL": servers.postgres_url,
            "APPRAISE_TEST_VALKEY_URL": servers.valkey_url,
            "MUTATED_MODULES": " ".join(area.modules),
        }
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            command, cwd=folder, env=os.environ | variables, stdout=log, stderr=log, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
    if code:
        sys.exit(f"mutmut ended with {code}: see {folder / 'mutmut.log'}")
    return True


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", metavar="AREA")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--survivors", action="store_true", help="try those again that survived: there are new tests")
    asked = parser.parse_args()
    chosen = [area for area in AREAS if not asked.areas or area.name in asked.areas]
    until = time.monotonic() + 60 * asked.minutes
    for area in chosen:
        if asked.again:
            shutil.rmtree(WORK / area.name, ignore_errors=True)
        if asked.survivors:
            forget_survivors(WORK / area.name)
        if (left := until - time.monotonic()) > 0:
            whole = mutmut(area, prepare(area), left)
            print(f"{area.name}: {'all were tried' if whole else 'the time was up; the next run goes on'}", flush=True)
    begun = [area for area in AREAS if (WORK / area.name / "mutants").exists()]
    wrong = write({area.name: [tried(WORK / area.name, module) for module in area.modules] for area in begun})
    print(*wrong, sep="\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
