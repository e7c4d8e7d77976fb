"""``python -m cross_check``: every overlay, built and looked at. With a folder, it also writes what was built there."""

import sys
import tempfile
from pathlib import Path

from cross_check import build, faults
from cross_check.cluster import Cluster


def main() -> None:
    """The command. Ends with 1 when there is a fault."""
    count = 0
    with tempfile.TemporaryDirectory() as scratch:
        laid_out = Path(scratch) / "deploy"
        build.lay_out(laid_out)
        for overlay in build.STORES:
            store = build.make_secrets(Path(scratch) / overlay, overlay)
            manifests = build.build(laid_out / "k8s/overlays" / overlay)
            if len(sys.argv) > 1:
                (Path(sys.argv[1]) / f"{overlay}.yaml").write_text(manifests)
            found = list(faults(Cluster(build.objects(manifests, store))))
            count += len(found)
            sys.stdout.writelines(f"{overlay}: {fault}\n" for fault in found)
    sys.exit(1 if count else None)


if __name__ == "__main__":
    main()
