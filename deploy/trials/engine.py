"""Docker's command line, as the trials of containers use it."""

import subprocess


def docker(*command: str) -> str:
    """What it prints. An AssertionError with its words when it fails."""
    done = subprocess.run(("docker", *command), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"docker {' '.join(command)}: {done.stderr}"
    return done.stdout.strip()


def remove(*containers: str, network: str) -> None:
    """With their volumes; what is not there is as good as removed."""
    subprocess.run(("docker", "rm", "--force", "--volumes", *containers), capture_output=True, check=False)
    subprocess.run(("docker", "network", "rm", network), capture_output=True, check=False)
