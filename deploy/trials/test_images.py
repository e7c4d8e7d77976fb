"""What is in the images, looked at from outside: ``make images`` has built them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SERVICES = ("auth", "catalog", "rewards", "isin-worker", "web", "gateway")
LOCK = Path(__file__).parents[2] / "requirements.lock"
LIBRARIES = ("servicekit", "extractor", "media")
IMAGES, VERSION = os.environ.get("APPRAISE_IMAGES", "appraise"), os.environ.get("APPRAISE_VERSION", "dev")
# Every folder that an installed distribution has, wherever on the system it is; some nobody but root may look into.
WHEELS = "find / -xdev -name '*.dist-info' -type d 2>/dev/null; true"
PACKAGES = "dpkg-query --show --showformat='${db:Status-Status} ${Package} ${Version}\\n'"
# What builds or fetches has no place beside what serves.
UNWANTED = "command -v pip pip3 gcc cc make git curl wget uv; find / -xdev -name 'pip' -type d 2>/dev/null; true"

pytestmark = pytest.mark.e2e


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def inside(service: str, script: str) -> list[str]:
    """The lines that a shell in a container of this image prints."""
    return run(
        "docker", "run", "--rm", "--network=none", "--entrypoint", "sh", image(service), "-c", script
    ).splitlines()


def image(service: str) -> str:
    return f"{IMAGES}/{service}:{VERSION}"


def normal(name: str) -> str:
    """The name of a distribution as the index and a purl have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("service", SERVICES)
def test_the_list_of_what_is_inside_is_what_is_inside(service: str) -> None:
    document = json.loads("\n".join(inside(service, "cat /usr/local/share/appraise.cdx.json")))
    listed = {(one["purl"].split("/")[0], one["name"], one["version"]) for one in document["components"]}
    folders = [line.rsplit("/", 1)[1].removesuffix(".dist-info") for line in inside(service, WHEELS)]
    wheels = {("pkg:pypi", normal(name), version) for name, version in (one.rsplit("-", 1) for one in folders)}
    packages = [line.split() for line in inside(service, PACKAGES)]
    debian = {("pkg:deb", name, version) for state, name, version in packages if state == "installed"}
    assert len(wheels) > 20
    assert len(debian) > 50
    assert listed == wheels | debian
    locked = set(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", LOCK.read_text(), re.MULTILINE))
    foreign = {(name, version) for _, name, version in wheels} - locked
    assert {name.removesuffix("-service") for name, _ in foreign} <= {*LIBRARIES, *SERVICES}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_labelled_runs_as_nobody_and_can_install_nothing(service: str) -> None:
    (found,) = json.loads(run("docker", "inspect", image(service)))
    assert found["Config"]["User"] == "10001:10001"
    assert found["Config"]["Labels"]["org.opencontainers.image.title"] == f"appraise/{service}"
    assert found["Config"]["Labels"]["org.opencontainers.image.version"] == VERSION
    assert found["Config"]["Healthcheck"]["Test"]
    assert inside(service, UNWANTED) == []
    sys.stderr.write(f"{image(service)}: {found['Size'] / 1e6:.0f} MB\n")
