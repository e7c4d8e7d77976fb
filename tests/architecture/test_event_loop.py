"""FastAPI runs what is not ``async`` in a thread: two switches for each request, which nothing of ours is worth."""

import inspect
from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.security import OAuth2PasswordRequestForm
from openapi_files import SERVICES, application

# Of FastAPI itself, for the form of Swagger UI's "Authorize".
ITS_OWN = {OAuth2PasswordRequestForm}


def _called(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _called(child)


@pytest.mark.parametrize("package", SERVICES)
def test_no_route_needs_a_thread(package: str) -> None:
    routes = iter_route_contexts(application(package).routes)
    dependants = [found for route in routes if (found := getattr(route, "dependant", None))]
    assert len(dependants) > 10
    for call in {call for dependant in dependants for call in _called(dependant)} - ITS_OWN:
        called = call if inspect.isroutine(call) else type(call).__call__
        assert inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called), call
