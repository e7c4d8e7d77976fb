"""The contract: committed, fresh, and with names that clients are generated from."""

import re

import pytest
from openapi_files import MERGED, SERVICES, application, document, merged_document


@pytest.mark.parametrize("package", SERVICES)
def test_the_committed_document_is_fresh(package: str) -> None:
    committed = SERVICES[package].read_text(encoding="utf-8")
    assert committed == document(package), "run `make openapi` and commit the result"


def test_the_one_document_for_all_services_is_fresh() -> None:
    assert MERGED.read_text(encoding="utf-8") == merged_document(), "run `make openapi` and commit the result"


@pytest.mark.parametrize("package", SERVICES)
def test_operation_ids_name_service_and_operation(package: str) -> None:
    service = package.removesuffix("_service").removesuffix("_worker")
    operations = [operation for path in application(package).openapi()["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(rf"{service}_[a-z0-9_]+", name) for name in ids), ids


@pytest.mark.parametrize("package", SERVICES)
def test_every_operation_tells_what_it_does(package: str) -> None:
    for path, operations in application(package).openapi()["paths"].items():
        for verb, operation in operations.items():
            assert operation.get("description"), f"{verb.upper()} {path} has no docstring"
