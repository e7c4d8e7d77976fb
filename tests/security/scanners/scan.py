"""``make scan``: every scanner sees its canaries, and finds nothing in this repository and its history.

semgrep reads the code with rules of our own (semgrep.yaml), detect-secrets every file that is or ever was here; ruff,
hadolint and zizmor are run by ``make lint`` and ``make deploy-check``, and show here that they see theirs. The scanners
have environments of their own, in ``.venvs/``, and fetch nothing.

Known findings of detect-secrets, such as passwords of tests, stand as hashes in secrets.json: ``--accept`` writes it.
"""

# ruff: noqa: T201 - a script prints

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import canaries

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
KNOWN = HERE / "secrets.json"
CODE = ("deploy", "gateway/src", "libs", "services", "web/src")
# Shapes that are a secret wherever they stand; the other kinds take every password of a test for one.
SHAPES = {"AWS Access Key", "GitHub Token", "GitLab Token", "JSON Web Token", "Private Key", "Slack Token"}
BINARY = {".png", ".woff2", ".lock"}
sys.path.insert(0, str(ROOT / "bench"))
from environments import environment  # noqa: E402 - it is beside us and no package

Finding = tuple[str, str]
"""What, and where."""


def printed(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a scanner prints. Those that end with 1 have found something; more than that is a failure of their own."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        sys.exit(f"scan: {command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def semgrep(folder: Path, *paths: str) -> Iterator[Finding]:
    """The rules that were broken. Tests may do what is forbidden: they show that it is."""
    program = environment(HERE / "requirements.txt") / "semgrep"
    arguments = ("scan", "--config", HERE / "semgrep.yaml", "--metrics=off", "--disable-version-check", "--quiet")
    answer = json.loads(
        printed(program, *arguments, "--json", "--exclude=tests", "--exclude=trials", *paths or (".",), cwd=folder)
    )
    if answer["errors"]:
        sys.exit(f"scan: semgrep: {answer['errors'][0]['message']}")
    for found in answer["results"]:
        yield found["check_id"].rpartition(".")[2], f"{found['path']}:{found['start']['line']}"


def secrets(folder: Path, *options: str) -> Iterator[tuple[str, str, str]]:
    """What looks like a secret: its kind, its file, its hash."""
    program = environment(HERE / "requirements.txt") / "detect-secrets"
    answer = json.loads(printed(program, "scan", "--exclude-files", r"secrets\.json$", *options, cwd=folder))
    for path, found in answer["results"].items():
        for one in found:
            yield one["type"], path, one["hashed_secret"]


def new_secrets(folder: Path, *options: str) -> Iterator[Finding]:
    """Those that nobody has accepted."""
    known = {(path, digest) for path, digests in json.loads(KNOWN.read_text()).items() for digest in digests}
    return ((kind, path) for kind, path, digest in secrets(folder, *options) if (path, digest) not in known)


def secrets_of_history() -> Iterator[Finding]:
    """What has the shape of a secret in any file that was ever committed here."""
    with tempfile.TemporaryDirectory() as name:
        for line in printed("git", "rev-list", "--objects", "--filter=object:type=blob", "HEAD").splitlines():
            digest, _, path = line.partition(" ")
            if path and Path(path).suffix not in BINARY:
                content = subprocess.check_output(["git", "cat-file", "blob", digest], cwd=ROOT)
                Path(name, f"{digest[:12]}-{Path(path).name}").write_bytes(content)
        yield from ((kind, path) for kind, path, _ in secrets(Path(name), "--all-files") if kind in SHAPES)


def ruff(folder: Path) -> Iterator[Finding]:
    """With the settings of this repository."""
    program = Path(sys.executable).parent / "ruff"
    answer = printed(program, "check", "--config", ROOT / "pyproject.toml", "--output-format=json", folder)
    return ((found["code"], found["filename"]) for found in json.loads(answer))


def hadolint(folder: Path) -> Iterator[Finding]:
    """Every file of the folder is taken for a Dockerfile."""
    program = environment(ROOT / "deploy" / "check-requirements.txt") / "hadolint"
    answer = printed(program, "--format", "json", "--failure-threshold", "none", *sorted(folder.iterdir()))
    return ((found["code"], found["file"]) for found in json.loads(answer))


def zizmor(folder: Path) -> Iterator[Finding]:
    """Every file of the folder is taken for a workflow."""
    program = environment(ROOT / "deploy" / "check-requirements.txt") / "zizmor"
    options = ("--offline", "--quiet", "--no-exit-codes", "--persona=pedantic", "--format=json")
    for found in json.loads(printed(program, *options, *sorted(folder.iterdir()))):
        yield found["ident"], found["locations"][0]["symbolic"]["key"]["Local"]["verbatim_path"]


def unseen(
    scanner: Callable[[Path], Iterable[Finding]], planted: Mapping[str, Sequence[str]], suffix: str
) -> list[str]:
    """The canaries, each in a file of its own, that the scanner does not see for what they are."""
    with tempfile.TemporaryDirectory() as name:
        for what, contents in planted.items():
            for number, content in enumerate(contents):
                Path(name, f"{what.replace(' ', '_')}-{number}{suffix}").write_text(content)
        seen = {(what, Path(where.partition(":")[0]).name) for what, where in scanner(Path(name))}
    wanted = [(what, number) for what, contents in planted.items() for number in range(len(contents))]
    return [
        f"{what}, canary {number}"
        for what, number in wanted
        if (what, f"{what.replace(' ', '_')}-{number}{suffix}") not in seen
    ]


def accept() -> None:
    """Write what detect-secrets finds now as known. Read the difference before committing it."""
    found = sorted({(path, digest) for _, path, digest in secrets(ROOT)})
    known = {path: [digest for where, digest in found if where == path] for path, _ in found}
    KNOWN.write_text(json.dumps(known, indent=1) + "\n")


def main() -> None:
    """The command line. Ends with 1 when a canary was not seen, or when there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true", help="take all that looks like a secret now for harmless")
    if parser.parse_args().accept:
        return accept()
    blind = {
        "semgrep": unseen(semgrep, canaries.SEMGREP, ".py"),
        "detect-secrets": unseen(lambda folder: new_secrets(folder, "--all-files"), canaries.SECRETS, ".cfg"),
        "ruff": unseen(ruff, canaries.RUFF, ".py"),
        "hadolint": unseen(hadolint, canaries.HADOLINT, ".Dockerfile"),
        "zizmor": unseen(zizmor, canaries.ZIZMOR, ".yaml"),
    }
    found = {
        "semgrep": list(semgrep(ROOT, *CODE)),
        "secrets in the tree": list(new_secrets(ROOT)),
        "secrets in the history": list(secrets_of_history()),
    }
    for name, missed in blind.items():
        print(f"{name}: {f'does not see {missed}' if missed else 'sees each of its canaries'}")
    for name, findings in found.items():
        print(f"{name}: {len(findings)} found", *(f"  {what}: {where}" for what, where in findings), sep="\n")
    sys.exit(1 if any(blind.values()) or any(found.values()) else 0)


if __name__ == "__main__":
    main()
