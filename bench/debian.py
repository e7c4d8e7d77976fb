"""Programs of Debian packages, unpacked and not installed: the machine stays as it is, and nobody needs to be root."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from environments import ENVIRONMENTS


def unpacked(package: str) -> Path | None:
    """The root folder of the package's files; None where there is no apt, or it cannot get the package."""
    folder = ENVIRONMENTS / f"debian-{package}"
    if folder.exists():
        return folder
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    with tempfile.TemporaryDirectory() as download:
        fetched = subprocess.run(  # noqa: S603 - a fixed command
            ["apt-get", "download", "--quiet", package],  # noqa: S607 - where it is depends on the system
            cwd=download, capture_output=True, check=False,
        )  # fmt: skip
        archives = list(Path(download).glob("*.deb"))
        if fetched.returncode or not archives:
            return None
        ENVIRONMENTS.mkdir(exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", archives[0], folder], check=True)  # noqa: S603, S607 - as above
    return folder
