"""``make k8s-check``, a part of ``make deploy-check``: what kustomize builds of every overlay, read by three readers.

Our own cross-check (``cross_check/``), kubernetes-validate, strictly and with warnings as faults, and checkov, whose
exceptions stand with their reasons in the annotations of what they are about. The latter two live in an environment of
their own, and must each see a planted defect first; those of the cross-check are in its tests. Objects of operators are
read by the cross-check alone: the schemas of those are not Kubernetes' own.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
KUBERNETES = "1.32"

sys.path.insert(0, str(HERE.parents[1] / "bench"))
from environments import environment  # noqa: E402 - it is beside us and no package

PLANTED = """\
apiVersion: v1
kind: Pod
metadata: {name: planted}
spec:
  containers:
    - {name: one, image: "debian:13", restart: Always, securityContext: {privileged: true}}
"""
SEEN_BY = {"kubernetes-validate": "'restart' was unexpected", "checkov": "CKV_K8S_16"}
"""What each must say of the planted pod."""

Command = list[str]


def readers(manifest: Path) -> Iterator[Command]:
    """Those that are not ours."""
    own = environment(HERE / "check-requirements.txt")
    yield [str(own / "kubernetes-validate"), "--strict", "--quiet", f"--kubernetes-version={KUBERNETES}", str(manifest)]
    yield [
        str(own / "checkov"),
        "--framework=kubernetes",
        "--quiet",
        "--compact",
        "--skip-download",
        f"--file={manifest}",
    ]


def run(command: Command) -> tuple[int, str]:
    """What it ends with, and what it says, which is shown as well."""
    sys.stdout.write(f"k8s-check: {Path(command[0]).name} {' '.join(command[1:])}\n")
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)  # noqa: S603 - the commands above
    return done.returncode, done.stdout + done.stderr


def blind() -> Iterator[str]:
    """Those of them that do not see a planted defect."""
    with tempfile.TemporaryDirectory() as folder:
        (planted := Path(folder) / "planted.yaml").write_text(PLANTED)
        for command in readers(planted):
            code, said = run(command)
            if not code or SEEN_BY[Path(command[0]).name] not in said:
                yield f"{Path(command[0]).name} (it does not see a planted defect)"


def unwell(manifests: Path) -> Iterator[str]:
    """Those that find something in what kustomize builds, which the first one leaves in the folder."""
    yield from those_that_find([sys.executable, "-m", "cross_check", str(manifests)])
    for built in sorted(manifests.iterdir()):
        yield from those_that_find(*readers(built))


def those_that_find(*commands: Command) -> Iterator[str]:
    """Their names. Whatever kubernetes-validate says besides, it warns of."""
    for command in commands:
        code, said = run(command)
        sys.stdout.write(said)
        if code or ("kubernetes-validate" in command[0] and said):
            yield Path(command[0]).name


def main() -> None:
    """The command."""
    failed = list(blind())
    if shutil.which("kustomize") or shutil.which("kubectl"):
        with tempfile.TemporaryDirectory() as manifests:
            failed += unwell(Path(manifests))
    else:
        sys.stdout.write("k8s-check: no kustomize and no kubectl here: our manifests were not checked\n")
    sys.exit(f"k8s-check: {', '.join(failed)} failed" if failed else None)


if __name__ == "__main__":
    main()
