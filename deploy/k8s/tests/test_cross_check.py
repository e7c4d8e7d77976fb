"""What the overlays are: without a fault. And each fault that could be in them is found, as somebody would make it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from cross_check import build, faults
from cross_check.cluster import Cluster, Object

Overlay = Callable[[str], list[Object]]
GONE = object()
POD = "spec/template/spec"
SERVICE = f"{POD}/containers/0"
EXTRA = object()  # a list gets one more


@pytest.mark.parametrize("name", build.STORES)
def test_an_overlay_has_no_fault(overlay: Overlay, name: str) -> None:
    assert list(faults(Cluster(overlay(name)))) == []


def plant(objects: list[Object], kind: str, name: str, path: str, value: Any) -> None:
    """Change one place of one object. A generated name is given without its hash."""
    hashed = re.compile(name + ("-[a-z0-9]{10}" if kind == "ConfigMap" else ""))
    (found,) = [one for one in objects if one["kind"] == kind and hashed.fullmatch(one["metadata"]["name"])]
    if not path:
        objects.remove(found)
        return
    place: Any = found
    *way, last = [part.replace("~", "/") for part in path.split("/")]
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    key: Any = int(last) if isinstance(place, list) else last
    if value is GONE:
        del place[key]
    elif isinstance(value, tuple) and value[0] is EXTRA:
        place[key].append(value[1])
    else:
        place[key] = value


# What is changed, and what has to be said of it.
WIRING = [
    ("Deployment auth", f"{SERVICE}/readinessProbe/httpGet/port", "web", "readinessProbe asks port web"),
    ("Deployment auth", f"{SERVICE}/livenessProbe/httpGet/port", 8001, "livenessProbe asks port 8001"),
    ("Deployment auth", "spec/selector/matchLabels", {"app": "auth"}, "its selector does not mean its own pods"),
    ("Deployment auth", f"{SERVICE}/image", "appraise/auth", "image appraise/auth has no version"),
    ("Deployment auth", f"{SERVICE}/image", "appraise/auth:latest", "image appraise/auth:latest has no version"),
    ("Job migrate-auth-dev", f"{SERVICE}/image", "appraise/auth:2.0.1", "its name has to end with -2-0-1"),
    ("Deployment auth", f"{POD}/serviceAccountName", "aut", "there is no ServiceAccount aut"),
    ("ServiceAccount auth", "", GONE, "there is no ServiceAccount auth"),
    ("Deployment auth", f"{POD}/volumes/0/name", "temp", "it mounts"),
    ("Deployment auth", f"{SERVICE}/volumeMounts/0", GONE, "nobody mounts volume"),
    (
        "Deployment catalog",
        f"{POD}/volumes",
        (EXTRA, {"name": "more", "configMap": {"name": "nothing"}}),
        "no ConfigMap nothing",
    ),
    ("PersistentVolumeClaim icons", "", GONE, "there is no PersistentVolumeClaim icons"),
    ("Secret auth", "", GONE, "there is no Secret auth"),
    ("Secret isin", "data/isin_database_url", GONE, "Secret isin has no key isin_database_url"),
    ("ConfigMap platform", "data/url", GONE, "has no key url"),
    ("Service auth", "spec/selector", {"app.kubernetes.io/name": "aut"}, "Service/auth: it selects nothing"),
    ("Service auth", "spec/ports/0/targetPort", "web", "Deployment/auth has no port web"),
    ("Service auth", "spec/ports/0/targetPort", 8080, "Deployment/auth has no port 8080"),
    ("HorizontalPodAutoscaler web", "spec/scaleTargetRef/name", "wep", "there is no Deployment wep"),
    ("Deployment web", "spec/replicas", 2, "states its replicas"),
    ("Deployment web", f"{SERVICE}/resources/requests/cpu", GONE, "requests no cpu"),
    ("PodDisruptionBudget web", "spec/maxUnavailable", 0, "none may be evicted"),
    (
        "PodDisruptionBudget web",
        "spec",
        {"minAvailable": 2, "selector": {"matchLabels": {"app.kubernetes.io/name": "web"}}},
        "none may be evicted",
    ),
    (
        "PodDisruptionBudget web",
        "spec/selector/matchLabels",
        {"app": "web"},
        "PodDisruptionBudget/web: it selects nothing",
    ),
    ("Secret gateway", "metadata/name", "gatevay", "Secret/gatevay: nobody reads it"),
]
LIFETIMES = [
    ("Deployment auth", f"{POD}/terminationGracePeriodSeconds", 15, "killed after 15 s, and may need 18"),
    ("ConfigMap auth", "data/AUTH_DRAIN_SECONDS", "30", "killed after 30 s, and may need 43"),
    ("Deployment auth", f"{SERVICE}/lifecycle", GONE, "it closes before everybody knows"),
    ("ConfigMap auth", "data/AUTH_DRAIN_SECONDS", "0", "it closes before everybody knows"),
    ("Deployment isin-worker", f"{POD}/terminationGracePeriodSeconds", 5, "killed after 5 s, and may need 7"),
    ("Deployment auth", f"{SERVICE}/readinessProbe/timeoutSeconds", 1, "waits 1 s for a check that may take 2"),
    ("Deployment auth", f"{SERVICE}/livenessProbe/httpGet/path", "/readyz", "every pod killed"),
    ("Deployment auth", f"{SERVICE}/readinessProbe", GONE, "not asked whether it is ready"),
    ("Deployment isin-worker", f"{SERVICE}/livenessProbe", GONE, "not asked whether it started and lives"),
]
CONFINEMENT = [
    ("Namespace appraise", "metadata/labels", {}, "is not restricted"),
    ("Deployment auth", f"{POD}/hostNetwork", True, "hostNetwork is not allowed"),
    ("Deployment auth", f"{POD}/automountServiceAccountToken", GONE, "a token for the API"),
    ("Deployment auth", f"{POD}/enableServiceLinks", GONE, "looks like a setting"),
    (
        "Deployment auth",
        f"{POD}/volumes",
        (EXTRA, {"name": "node", "hostPath": {"path": "/"}}),
        "volume node is a hostPath",
    ),
    ("Deployment auth", f"{POD}/securityContext/runAsNonRoot", GONE, "it may be root"),
    ("StatefulSet valkey", f"{POD}/securityContext/runAsUser", 0, "it may be root"),
    ("Deployment auth", f"{POD}/securityContext/seccompProfile", GONE, "no seccomp profile"),
    ("Deployment auth", f"{SERVICE}/securityContext/allowPrivilegeEscalation", GONE, "more privileges"),
    ("Deployment auth", f"{SERVICE}/securityContext/privileged", True, "more privileges"),
    (
        "Deployment auth",
        f"{SERVICE}/securityContext/capabilities",
        {"drop": ["ALL"], "add": ["NET_ADMIN"]},
        "keeps capabilities",
    ),
    ("Deployment auth", f"{SERVICE}/securityContext/readOnlyRootFilesystem", GONE, "its root can be written"),
    ("Deployment auth", f"{SERVICE}/ports/0/hostPort", 80, "a port of the node"),
    ("Deployment auth", f"{SERVICE}/resources/limits/memory", GONE, "limits say nothing of memory"),
]
PROGRAMS = [
    ("ConfigMap auth", "data/AUTH_MAIL_FORM", "x", "no setting of auth is called AUTH_MAIL_FORM"),
    ("ConfigMap catalog", "data/AUTH_MAIL_DIR", "/data", "no setting of catalog is called AUTH_MAIL_DIR"),
    ("Secret web", "data/web_sesion_secret", "eA==", "the secret web_sesion_secret is no setting of web"),
    ("Secret web", "data/web_session_secret", GONE, "web does not start: session_secret"),
    ("Secret web", "data/web_session_secret", "c2hvcnQ=", "web does not start: session_secret"),
    ("ConfigMap rewards", "data/REWARDS_CATALOG_URL", GONE, "rewards does not start: catalog_url"),
    ("ConfigMap gateway", "data/GATEWAY_AUTH_URL", "https://auth", "gateway does not start: auth_url"),
    ("ConfigMap platform", "data/pods", "10.0.0.1/8", "gateway does not start: trusted_proxies"),
    ("Deployment isin-worker", f"{SERVICE}/args", ["work"], "isin-worker has no command work"),
    (
        "Deployment isin-worker",
        f"{SERVICE}/livenessProbe/exec/command",
        ["service", "lives"],
        "which is not in the image",
    ),
    ("Deployment auth", f"{SERVICE}/ports/0/containerPort", 8080, "it listens on [8000], and its ports are [8080]"),
    ("ConfigMap gateway", "data/GATEWAY_METRICS_PORT", "9200", "it listens on [8000, 9200]"),
    ("Deployment auth", f"{SERVICE}/livenessProbe/httpGet/path", "/livez", "asks for /livez, which auth does not have"),
    (
        "Deployment gateway",
        f"{SERVICE}/readinessProbe/httpGet/path",
        "/ready",
        "asks for /ready, which gateway does not have",
    ),
    ("Deployment auth", f"{POD}/securityContext/runAsUser", 1000, "belong to 10001:10001"),
]
TRAFFIC = [
    (
        "NetworkPolicy catalog",
        "spec/ingress",
        [],
        "Deployment/gateway: no policy lets it connect to Deployment/catalog at 8000",
    ),
    (
        "NetworkPolicy rewards",
        "spec/egress/0/ports/0/port",
        8080,
        "Deployment/rewards: no policy lets it connect to Deployment/auth",
    ),
    (
        "NetworkPolicy postgres",
        "spec/ingress/1",
        GONE,
        "Job/migrate-auth-dev: no policy lets it connect to StatefulSet/postgres",
    ),
    ("NetworkPolicy names", "", GONE, "no policy lets it look names up"),
    ("NetworkPolicy publishers", "", GONE, "Deployment/isin-worker: no policy lets it connect to the internet at 443"),
    ("NetworkPolicy nothing-by-default", "", GONE, "is not refused by default"),
    ("NetworkPolicy web", "spec/podSelector/matchLabels", {"app": "web"}, "NetworkPolicy/web: it selects nothing"),
    (
        "NetworkPolicy catalog",
        "spec/ingress/0/from",
        [{"podSelector": {}}],
        "may be connected from Deployment/isin at 8000",
    ),
    ("ConfigMap rewards", "data/REWARDS_CATALOG_URL", "http://catalogue:8000", "there is no Service catalogue"),
    (
        "ConfigMap rewards",
        "data/REWARDS_CATALOG_URL",
        "http://catalog:8001",
        "Service catalog has no port 8001 that leads anywhere",
    ),
    (
        "ConfigMap rewards",
        "data/REWARDS_BLOB_URL",
        "s3://bucket/proofs",
        "Deployment/rewards: no policy lets it connect to the internet",
    ),
    (
        "ConfigMap web",
        "data/WEB_API_URL",
        "http://rewards:8000",
        "Deployment/web: no policy lets it connect to Deployment/rewards",
    ),
    (
        "ConfigMap auth",
        "data/AUTH_TRACES_URL",
        "http://collector.traces:4318/v1/traces",
        "no policy lets it connect to collector.traces at 4318",
    ),
]
# The same for what only an installation has.
PRODUCTION = [
    ("Ingress appraise", "spec/rules/0/http/paths/0/backend/service/name", "gate", "there is no Service gate"),
    (
        "Ingress appraise",
        "spec/rules/0/http/paths/0/backend/service/port",
        {"number": 80},
        "there is no Service gateway with the port",
    ),
    ("Ingress appraise", "spec/rules/0/host", "www.example.org", "no certificate for www.example.org"),
    (
        "ServiceMonitor gateway",
        "spec/selector/matchLabels",
        {"app": "gateway"},
        "ServiceMonitor/gateway: it selects nothing",
    ),
    ("ConfigMap platform", "data/url", "https://other.example.org", "the platform is other.example.org"),
    ("ServiceMonitor services", "spec/endpoints/0/path", "/metrics", "it is scraped at /metrics"),
    ("ServiceMonitor gateway", "spec/endpoints/0/port", "metric", "has no port metric"),
    (
        "Cluster postgres",
        "spec/managed/roles/0/passwordSecret/name",
        "catalog",
        "Secret/database-catalog: nobody reads it",
    ),
    ("NetworkPolicy gateway-from-outside", "spec/podSelector/matchLabels", {"app": "gateway"}, "it selects nothing"),
    ("NetworkPolicy auth-mail", "", GONE, "Deployment/auth: no policy lets it connect to mail.example.org at 465"),
    ("NetworkPolicy object-store", "", GONE, "Deployment/catalog: no policy lets it connect to the internet at 443"),
    (
        "Deployment valkey-proxy",
        f"{POD}/containers/0/env/1/valueFrom/secretKeyRef/key",
        "password",
        "Secret valkey has no key password",
    ),
]
CAPACITY = [
    ("HorizontalPodAutoscaler rewards", "spec/maxReplicas", 20, "Postgres takes 400 connections"),
    ("ConfigMap auth", "data/AUTH_DATABASE_POOL_SIZE", "50", "Postgres takes 400 connections"),
]
DEFECTS = [("dev", *one) for one in (*WIRING, *LIFETIMES, *CONFINEMENT, *PROGRAMS, *TRAFFIC, *CAPACITY)]
DEFECTS += [("production", *one) for one in (*PRODUCTION, *CAPACITY)]


@pytest.mark.parametrize(
    ("name", "what", "path", "value", "said"), DEFECTS, ids=[f"{one[0]}: {one[1]}: {one[-1]}" for one in DEFECTS]
)
def test_a_planted_defect_is_found(overlay: Overlay, name: str, what: str, path: str, value: Any, said: str) -> None:
    objects = overlay(name)
    plant(objects, *what.split(" "), path, value)
    found = list(faults(Cluster(objects)))
    assert [fault for fault in found if said in fault], found


def test_a_secret_that_the_store_does_not_have_is_missed(overlay: Overlay) -> None:
    asked = [one for one in overlay("production") if one["kind"] == "ExternalSecret"]
    with pytest.raises(KeyError, match="auth_database_url"):
        build.objects(yaml.safe_dump_all(asked), build.BY_HAND)
