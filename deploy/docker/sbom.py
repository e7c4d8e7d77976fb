"""What is in this image, as CycloneDX 1.6 JSON on standard output: Python's distributions and Debian's packages.

Run inside the image while it is built, so it lists what is really there and not what somebody asked for.

    python sbom.py SERVICE VERSION
"""

import json
import re
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

DPKG_STATUS = Path("/var/lib/dpkg/status")

Component = dict[str, object]


def main() -> None:
    """Print the list."""
    service, version = sys.argv[1:]
    components = [*python_distributions(), *debian_packages(DPKG_STATUS.read_text(encoding="utf-8"))]
    found = "\n".join(sorted(str(component["purl"]) for component in components))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # From the content: the same image has the same list.
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"appraise/{service}@{version}\n{found}").urn,
        "version": 1,
        "metadata": {"component": {"type": "container", "name": f"appraise/{service}", "version": version}},
        "components": components,
    }
    json.dump(document, sys.stdout, indent=1)


def python_distributions() -> Iterator[Component]:
    """Everything that the interpreter running this can import."""
    for one in sorted(metadata.distributions(), key=lambda one: one.name.lower()):
        name = re.sub(r"[-_.]+", "-", one.name).lower()  # as purls want it
        component = _component(name, one.version, f"pkg:pypi/{name}@{one.version}")
        if expression := one.metadata.get("License-Expression"):
            component["licenses"] = [{"expression": expression}]
        yield component


def debian_packages(status: str) -> Iterator[Component]:
    """Every installed package of dpkg's status file."""
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture|Status): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            escaped = version.replace("+", "%2B").replace(":", "%3A")
            yield _component(name, version, f"pkg:deb/debian/{name}@{escaped}?arch={fields['Architecture']}")


def _component(name: str, version: str, purl: str) -> Component:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    main()
