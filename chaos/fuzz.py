"""Fuzzes what reads bytes of strangers: the extractor, the lists of ISINs, the gateway's reader of requests.

    .venv/bin/python chaos/fuzz.py [TARGET …] [--minutes 3]

atheris (libFuzzer) evolves the inputs by the code that they reach. An exception, an input that takes longer than ten
seconds, or two gigabytes of memory end the run of a target with the input that did it, in ``var/fuzz``. What was found
to reach something new is kept there too, for the next run. atheris has an environment of its own, in ``.venvs/``.
"""

# ruff: noqa: T201 - a script prints

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import fuzz_seeds

ROOT = Path(__file__).parents[1]
TARGETS = ("extractor", "lists", "gateway")
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1")
sys.path.insert(0, str(ROOT / "bench"))
from environments import environment  # noqa: E402 - it is beside us and no package


def fuzz(target: str, seconds: int) -> bool:
    """One target. Returns whether nothing was found."""
    kept = ROOT / "var" / "fuzz" / target
    kept.mkdir(parents=True, exist_ok=True)
    fuzz_seeds.write(target, kept)
    packages = next((environment(ROOT / "chaos/fuzz/requirements.txt").parent / "lib").glob("*/site-packages"))
    script = Path(__file__).with_name(f"fuzz_{target}.py")
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, script, f"-max_total_time={seconds}", *LIMITS, f"-artifact_prefix={kept.parent}/", kept],
        env=os.environ | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    inputs = re.findall(r"number_of_executed_units: (\d+)", done.stderr)
    reached = re.findall(r"cov: (\d+)", done.stderr)
    print(f"{target}: {int(inputs[-1] if inputs else 0):,} inputs, {reached[-1] if reached else 0} places reached")
    if done.returncode:
        print(done.stderr[-3000:])
    return done.returncode == 0


def main() -> None:
    """The command line. Ends with 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    parser.add_argument("--minutes", type=float, default=3)
    asked = parser.parse_args()
    held = [fuzz(target, int(60 * asked.minutes)) for target in asked.targets or TARGETS]
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
