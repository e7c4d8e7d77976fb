"""The overlays as kustomize builds them, and what operators make of their objects."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from cross_check.cluster import Object

DEPLOY = Path(__file__).parents[2]
SOURCES = ("k8s", "postgres", "valkey")
DEV_SECRETS = "k8s/overlays/dev/secrets/files"
PRODUCTION = "k8s/overlays/production"
MANAGED = "k8s/overlays/managed"  # production with what its kustomization names as the other choice
STORES = {"dev": (), "production": ("--postgres", "postgres-rw:5432", "--valkey", "valkey:6379")}
STORES |= {"managed": ("--postgres", "db.example.org:5432", "--valkey", "cache.example.org:6379")}
# What no program can make: docs/deployment.md tells people to put it into the store of secrets.
BY_HAND = {
    "auth_smtp_url": "smtps://appraise:not-a-real-password@mail.example.org:465",
    "pictures_key_id": "id", "pictures_key": "key",
    "backups_key_id": "id", "backups_key": "key", "backups_region": "eu-central-1",
}  # fmt: skip


def program() -> list[str] | None:
    """The command before the folder; None where there is none."""
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]):
            return command
    return None


def lay_out(folder: Path) -> None:
    """A copy of what is built, with secrets, and with a third overlay: the other choices of the second."""
    for name in SOURCES:
        left_out = shutil.ignore_patterns("files", "__pycache__", "cross_check", "tests")
        shutil.copytree(DEPLOY / name, folder / name, ignore=left_out)
    make_secrets(folder / DEV_SECRETS, "dev")
    shutil.copytree(folder / PRODUCTION, folder / MANAGED)
    kustomization = folder / MANAGED / "kustomization.yaml"
    text = kustomization.read_text()
    for old, new in (
        ("components/cloudnative-pg", "components/managed-stores"),
        ("  - ../../components/valkey-failover\n", ""),
        ("# - ../../components/isin-cronjob", "- ../../components/isin-cronjob"),
    ):
        if old not in text:
            raise LookupError(f"{kustomization} does not name {old} any more")
        text = text.replace(old, new)
    kustomization.write_text(text)


def make_secrets(folder: Path, overlay: str) -> Mapping[str, str]:
    """Those of ``make_secrets.py`` for an overlay, and those that people put beside them."""
    command = [sys.executable, str(DEPLOY / "make_secrets.py"), str(folder), *STORES[overlay]]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own program
    return {**BY_HAND, **{file.name: file.read_text() for file in folder.iterdir()}}


def build(folder: Path) -> str:
    """The manifests of a folder. Raises CalledProcessError, whose ``stderr`` says what is wrong."""
    command = program()
    if command is None:
        raise FileNotFoundError("neither kustomize nor kubectl is on this machine")
    done = subprocess.run([*command, folder], check=True, capture_output=True, text=True)  # noqa: S603 - as above
    return done.stdout


def objects(manifests: str, store: Mapping[str, str]) -> list[Object]:
    """All objects, and those that operators would make of them with this store of secrets."""
    found: list[Object] = list(yaml.safe_load_all(manifests))
    return [*found, *_secrets(found, store), *_postgres(found)]


def _secrets(found: list[Object], store: Mapping[str, str]) -> Iterator[Object]:
    """What external-secrets makes. A property that the store does not have is a KeyError: it never gets ready."""
    for one in found:
        if one["kind"] == "ExternalSecret":
            data = {entry["secretKey"]: store[entry["remoteRef"]["property"]] for entry in one["spec"]["data"]}
            yield {"kind": "Secret", "metadata": {"name": one["spec"]["target"]["name"]}, "stringData": data}


def _postgres(found: list[Object]) -> Iterator[Object]:
    """What CloudNativePG makes: instances, and a Service that is the primary."""
    for one in found:
        if one["kind"] == "Cluster":
            name = one["metadata"]["name"]
            labels = {"cnpg.io/cluster": name, **one["spec"]["inheritedMetadata"]["labels"]}
            ports = [{"name": "postgresql", "containerPort": 5432}, {"name": "status", "containerPort": 8000}]
            container = {"name": "postgres", "image": one["spec"]["imageName"], "ports": ports}
            yield {"kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": {"containers": [container]}}
            yield {
                "kind": "Service",
                "metadata": {"name": f"{name}-rw", "labels": labels},
                "spec": {"selector": {"cnpg.io/cluster": name}, "ports": [{"port": 5432, "targetPort": "postgresql"}]},
            }
