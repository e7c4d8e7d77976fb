"""Whether our images get what their programs read: settings, secrets, commands, ports, paths, and the user they are."""

import importlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import click
from fastapi.routing import iter_route_contexts
from pydantic import ValidationError

from cross_check.cluster import Cluster, Object, Workload, matches, probes
from gateway.routes import load_table
from servicekit.settings import ServiceSettings

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "auth": "auth_service",
    "catalog": "catalog_service",
    "rewards": "rewards_service",
    "isin-worker": "isin_worker",
    "web": "web",
    "gateway": "gateway",
}
EXAMPLES = {"web": {"api_url": "http://gateway:8000"}}  # what no placeholder is good enough for
SECRETS_FOLDER = "/run/secrets"
FOREIGN = re.compile(r"^AWS_")  # read by the library of the object store
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()


@dataclass(frozen=True)
class Process:
    """A container of one of our images, and what its program finds around itself."""

    workload: Workload
    container: Object
    image: str  # auth, catalog, ...
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    secrets: Mapping[str, str]  # files, by name
    settings: ServiceSettings | None
    refusal: tuple[str, ...]  # why there are no settings

    @property
    def command(self) -> str:
        """What it does: serve, worker, migrate, ..."""
        return self.arguments[0]


def faults(cluster: Cluster) -> Iterator[str]:
    """Each as a line."""
    for process in processes(cluster):
        inside = (*_settings(process), *_commands(process), *_paths(process), *_user(process))
        around = (*_address(cluster, process), *_scraped(cluster, process))
        yield from (f"{process.workload}: {fault}" for fault in (*inside, *around))


def processes(cluster: Cluster) -> Iterator[Process]:
    """All of our containers."""
    for workload in cluster.workloads:
        for container in workload.containers:
            image = container["image"].partition(":")[0]
            if "appraise/" in image and (name := image.rpartition("/")[2]) in PACKAGES:
                yield _process(cluster, workload, container, name)


def _process(cluster: Cluster, workload: Workload, container: Object, image: str) -> Process:
    variables, secrets = dict(_variables(cluster, container)), dict(_files(cluster, workload, container))
    settings, refusal = _loaded(settings_class(image), variables, secrets)
    own = container.get("command", [])[1:] + container.get("args", [])
    arguments = tuple(own or json.loads(_said("CMD")))
    return Process(workload, container, image, arguments, variables, secrets, settings, refusal)


def _variables(cluster: Cluster, container: Object) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom", []):
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if field in source:
                yield from (cluster.keys(kind, source[field]["name"]) or {}).items()
    for variable in container.get("env", []):
        if "value" in variable:
            yield variable["name"], variable["value"]
        for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if reference := variable.get("valueFrom", {}).get(field):
                keys = cluster.keys(kind, reference["name"]) or {}
                if reference["key"] in keys:
                    yield variable["name"], keys[reference["key"]]


def _files(cluster: Cluster, workload: Workload, container: Object) -> Iterator[tuple[str, str]]:
    volumes = {volume["name"]: volume for volume in workload.pod.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        secret = volumes.get(mount["name"], {}).get("secret")
        if secret and mount["mountPath"] == SECRETS_FOLDER:
            keys = cluster.keys("Secret", secret["secretName"]) or {}
            wanted = [item["key"] for item in secret.get("items", [])] or list(keys)
            yield from ((key, keys[key]) for key in wanted if key in keys)


def settings_class(image: str) -> type[ServiceSettings]:
    """What the program of an image reads."""
    found: type[ServiceSettings] = importlib.import_module(f"{PACKAGES[image]}.settings").Settings
    return found


def _loaded(
    kind: type[ServiceSettings], variables: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[ServiceSettings | None, tuple[str, ...]]:
    files = {name.upper(): value for name, value in secrets.items()}  # a file counts as the variable of its name
    with _environment({**files, **variables}):
        try:
            return kind(_env_file=None, _secrets_dir=None), ()
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False)
            return None, tuple(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """These and no others."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _settings(process: Process) -> Iterator[str]:
    kind = settings_class(process.image)
    prefix = str(kind.model_config.get("env_prefix"))
    known = {f"{prefix}{name}".upper() for name in kind.model_fields}
    for name in process.variables:
        if name not in known and not FOREIGN.match(name):
            yield f"no setting of {process.image} is called {name}"
    for name in process.secrets:
        if name.upper() not in known or name != name.lower():
            yield f"the secret {name} is no setting of {process.image}"
    yield from (f"{process.image} does not start: {reason}" for reason in process.refusal)


def _commands(process: Process) -> Iterator[str]:
    known = _command_names(process.image)
    if process.command not in known:
        yield f"{process.image} has no command {process.command}"
    for name, probe in probes(process.container):
        asked = probe.get("exec", {}).get("command")
        if asked and (asked[0] not in ("service", process.image) or asked[1] not in known):
            yield f"{name} runs {' '.join(asked)}, which is not in the image"


@cache
def _command_names(image: str) -> frozenset[str]:
    module = importlib.import_module(f"{PACKAGES[image]}.cli")
    groups = [value for value in vars(module).values() if isinstance(value, click.Group)]
    return frozenset(name for group in groups for name in group.commands)


def _paths(process: Process) -> Iterator[str]:
    """The server's port is the Dockerfile's; what else listens says so in its settings."""
    listening = {int(json.loads(_said("CMD"))[-1])} if process.command == "serve" else set()
    listening |= {port for port in [getattr(process.settings, "metrics_port", None)] if port}
    if set(process.workload.ports.values()) != listening:
        yield f"it listens on {sorted(listening)}, and its ports are {sorted(process.workload.ports.values())}"
    for name, probe in probes(process.container):
        if (asked := probe.get("httpGet")) and asked["path"] not in routes(process.image):
            yield f"{name} asks for {asked['path']}, which {process.image} does not have"


@cache
def routes(image: str) -> frozenset[str]:
    """The paths that a service answers by itself."""
    main = importlib.import_module(f"{PACKAGES[image]}.main")
    settings = settings_class(image).example(**EXAMPLES.get(image, {}))
    application = main.own_app(load_table(), {}) if image == "gateway" else main.create_app(settings)
    return frozenset(route.path for route in iter_route_contexts(application.routes) if route.path)


def _scraped(cluster: Cluster, process: Process) -> Iterator[str]:
    """The port of metrics alone has nothing else; on the port of the service a path has to be one of its own."""
    for monitor, service in product(cluster.all("ServiceMonitor"), cluster.all("Service")):
        labels = service["metadata"].get("labels", {})
        if process.workload in cluster.behind(service) and matches(monitor["spec"]["selector"], labels):
            for endpoint in monitor["spec"]["endpoints"]:
                if endpoint["port"] == "http" and endpoint["path"] not in routes(process.image):
                    yield f"it is scraped at {endpoint['path']}, which {process.image} does not have"


def _user(process: Process) -> Iterator[str]:
    user, group = map(int, _said("USER").split(":"))
    context = process.workload.pod.get("securityContext", {})
    if (context.get("runAsUser"), context.get("runAsGroup")) != (user, group):
        yield f"the folders of the image belong to {user}:{group}, and it runs as another"


def _address(cluster: Cluster, process: Process) -> Iterator[str]:
    """What people type is what lets them in."""
    hosts = {rule.get("host") for ingress in cluster.all("Ingress") for rule in ingress["spec"]["rules"]}
    issuer = urlsplit(getattr(process.settings, "token_issuer", "")).hostname
    if hosts and process.command == "serve" and issuer and issuer not in hosts:
        yield f"it is told that the platform is {issuer}, and the Ingress lets in {', '.join(sorted(map(str, hosts)))}"


def _said(instruction: str) -> str:
    """The last one of this kind in the Dockerfile."""
    return str(re.findall(rf"^{instruction} (.+)$", DOCKERFILE, re.MULTILINE)[-1])
