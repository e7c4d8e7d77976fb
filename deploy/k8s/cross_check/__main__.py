"""``python -m cross_check``: every overlay, built and looked at.

With a folder, what was built is left there for other tools, without the objects of operators, which those don't know.
"""

import sys
import tempfile
from pathlib import Path

import yaml

from cross_check import build, faults
from cross_check.cluster import Cluster, Object


def is_of_kubernetes(one: Object) -> bool:
    """Whether its kind is Kubernetes' own."""
    group, slash, _ = one["apiVersion"].partition("/")
    return not slash or "." not in group or group.endswith(".k8s.io")


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
                known = [one for one in yaml.safe_load_all(manifests) if is_of_kubernetes(one)]
                (Path(sys.argv[1]) / f"{overlay}.yaml").write_text(yaml.safe_dump_all(known))
            found = list(faults(Cluster(build.objects(manifests, store))))
            count += len(found)
            sys.stdout.writelines(f"{overlay}: {fault}\n" for fault in found)
    sys.exit(1 if count else None)


if __name__ == "__main__":
    main()
