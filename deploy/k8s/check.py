"""``make k8s-check``, a part of ``make deploy-check``: what kustomize builds of every overlay, read by three readers.

Our own cross-check (``cross_check/``), kubernetes-validate, strictly and with warnings as faults, and checkov, whose
exceptions stand with their reasons in the annotations of what they are about. The latter two live in an environment of
their own. Objects of operators are read by the cross-check alone: the schemas of those are not Kubernetes' own.
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


def checks(manifests: Path) -> Iterator[list[str]]:
    """Every command. The first one builds, and leaves what came of it in the folder."""
    yield [sys.executable, "-m", "cross_check", str(manifests)]
    own = environment(HERE / "check-requirements.txt")
    for built in sorted(map(str, manifests.iterdir())):
        yield [str(own / "kubernetes-validate"), "--strict", "--quiet", "--kubernetes-version", KUBERNETES, built]
        yield [
            str(own / "checkov"),
            "--framework=kubernetes",
            "--quiet",
            "--compact",
            "--skip-download",
            "--file",
            built,
        ]


def is_well(command: list[str]) -> bool:
    """Run it. Whatever kubernetes-validate says besides, it warns of."""
    sys.stdout.write(f"k8s-check: {Path(command[0]).name} {' '.join(command[1:])}\n")
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)  # noqa: S603 - the commands above
    said = done.stdout + done.stderr
    sys.stdout.write(said)
    sys.stdout.flush()
    return done.returncode == 0 and not ("kubernetes-validate" in command[0] and said)


def main() -> None:
    """The command."""
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        sys.stdout.write("k8s-check: no kustomize and no kubectl here: nothing of Kubernetes was checked\n")
        return
    with tempfile.TemporaryDirectory() as manifests:
        failed = [Path(command[0]).name for command in checks(Path(manifests)) if not is_well(command)]
    sys.exit(f"k8s-check: {', '.join(failed)} failed" if failed else None)


if __name__ == "__main__":
    main()
