"""The overlays, built once for each process of the tests."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
from cross_check import build
from cross_check.cluster import Object

Overlay = Callable[[str], list[Object]]


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if build.program() is None:
        pytest.skip("neither kustomize nor kubectl is on this machine")
    folder = tmp_path_factory.mktemp("kubernetes")
    build.lay_out(folder / "deploy")
    return folder


@pytest.fixture(scope="session")
def overlay(laid_out: Path) -> Overlay:
    """A copy of the objects of an overlay, by its name."""

    @cache
    def built(name: str) -> list[Object]:
        store = build.make_secrets(laid_out / name, name)
        return build.objects(build.build(laid_out / "deploy/k8s/overlays" / name), store)

    return lambda name: deepcopy(built(name))
