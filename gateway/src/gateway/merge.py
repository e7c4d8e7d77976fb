"""One OpenAPI document out of those of the services."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.routes import RouteTable
from servicekit.problems import describe

Document = dict[str, Any]
TITLE = "Appraise"
AWAY = "**Away at the moment: as it was last known.**"
DESCRIPTION = """\
Rewarded app tasks, a points ledger and a daily ISIN service.

Sign in with **Authorize** (e-mail and password). Every error is a problem document (RFC 9457): its `type` explains it.\
"""


def merge(documents: Mapping[str, Document], table: RouteTable, *, away: Sequence[str] = ()) -> Document:
    """The documents of the services, by name, as one: what the route table does not pass on to them is left out.

    The services ``away`` are listed under ``x-away``, and the tag of each says so: their part is what was last known.

    Components that two services share word for word are shared; those that only share a name get the service's before
    it. Operation ids begin with the service's name, and tags are the services.
    """
    merged: Document = {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {},
        "x-problems": [],
    }
    for service, original in documents.items():
        document = _with_own_names(service, copy.deepcopy(original), merged["components"])
        for section, members in document.get("components", {}).items():
            merged["components"].setdefault(section, {}).update(members)
        merged["paths"].update(_public_paths(service, document, table))
        description = original.get("info", {}).get("description", "")
        if service in away:
            description = f"{AWAY} {description}".rstrip()
        merged["tags"].append({"name": service, "description": description})
    merged["x-problems"] = _problems(documents)
    if away:
        merged["x-away"] = list(away)
    return merged


def _public_paths(service: str, document: Document, table: RouteTable) -> Document:
    owner = None if service == "gateway" else service
    found = {}
    for path, operations in document.get("paths", {}).items():
        route = table.find(path.encode())
        if route is None or route.service != owner:
            continue
        found[path] = operations
        for verb, operation in operations.items():
            if isinstance(operation, dict):
                name = operation.get("operationId") or f"{verb}_{path.strip('/').replace('/', '_')}"
                operation["operationId"] = name if name.startswith(f"{service}_") else f"{service}_{name}"
                operation["tags"] = [service]
    return found


def _with_own_names(service: str, document: Document, taken: Document) -> Document:
    """The document with every component renamed whose name is taken by something else."""
    own = {
        f"#/components/{section}/{name}": component
        for section, members in document.get("components", {}).items()
        if section != "securitySchemes"  # named, not referred to; all services declare the same
        for name, component in members.items()
    }
    known = {pointer: _look_up(taken, pointer) for pointer in own}
    renamed = {pointer for pointer, component in own.items() if known[pointer] not in (None, component)}
    # What is the same word for word, but refers to something renamed, is not the same.
    while more := {
        pointer for pointer, component in own.items()
        if pointer not in renamed and known[pointer] is not None and renamed.intersection(_strings(component))
    }:  # fmt: skip
        renamed |= more
    names = {pointer: _own_name(service, pointer) for pointer in renamed}
    if not names:
        return document
    document = _replace(document, names)
    for pointer, new in names.items():
        section, old_name = pointer.split("/")[2:]
        members = document["components"][section]
        members[new.rpartition("/")[2]] = members.pop(old_name)
    return document


def _look_up(components: Document, pointer: str) -> Any:
    _, _, section, name = pointer.split("/")
    return components.get(section, {}).get(name)


def _own_name(service: str, pointer: str) -> str:
    parent, _, name = pointer.rpartition("/")
    return f"{parent}/{service}_{name}"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)


def _replace(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        return {key: _replace(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [_replace(member, names) for member in value]
    return value


def _problems(documents: Mapping[str, Document]) -> list[dict[str, Any]]:
    """What every error code means: the gateway's own, those that all services have, and each service's."""
    found = {problem["code"]: problem for document in documents.values() for problem in document.get("x-problems", [])}
    found |= {problem["code"]: problem for problem in describe("gateway")}
    return [found[code] for code in sorted(found)]
