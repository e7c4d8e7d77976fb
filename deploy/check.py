"""``make deploy-check``: what deploys us is linted by the tools for it, in an environment of their own.

hadolint reads the Dockerfile, zizmor the workflows, promtool (Debian's package `prometheus`) the rules and their tests,
and Docker Compose its own file. A tool that is not on this machine is named; one that finds something ends this with 1.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RULES = "deploy/observability/rules.yaml"

sys.path.insert(0, str(ROOT / "bench"))
from environments import environment  # noqa: E402 - it is beside us and no package


def checks() -> Iterator[tuple[str, ...]]:
    """Every command; those of this machine only where they are."""
    own = environment(ROOT / "deploy" / "check-requirements.txt")
    yield (str(own / "hadolint"), "deploy/Dockerfile")
    yield (str(own / "zizmor"), "--offline", "--quiet", "--persona=pedantic", ".github/workflows")
    for command in (
        ("promtool", "check", "rules", RULES),
        ("promtool", "test", "rules", "deploy/observability/rules.test.yaml"),
        ("docker", "compose", "--file", "deploy/compose.yaml", "config", "--quiet"),
    ):
        if shutil.which(command[0]):
            yield command
        else:
            sys.stdout.write(f"deploy-check: no {command[0]} here: `{' '.join(command)}` was not run\n")


def main() -> None:
    """The command."""
    failed = []
    for command in checks():
        sys.stdout.write(f"deploy-check: {Path(command[0]).name} {' '.join(command[1:])}\n")
        sys.stdout.flush()
        if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603 - the commands above
            failed.append(Path(command[0]).name)
    sys.exit(f"deploy-check: {', '.join(failed)} failed" if failed else None)


if __name__ == "__main__":
    main()
