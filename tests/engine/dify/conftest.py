"""Dify, which takes long to start: once for all tests of this folder, each of which leaves it
running."""

from collections.abc import Iterator

import pytest

from tests.engine.dify import EXPECTED, Dify, choose_usual_store, installed, runs
from tests.lab.place import Place
from tests.support.observed import names


@pytest.fixture(scope="package")
def dify(lab: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dify]:
    with installed(lab, tmp_path_factory.mktemp("dify")) as dify:
        dify.here.done("up", "dify")
        dify.started.update(names(dify.client))
        yield dify


@pytest.fixture
def usual_store(dify: Dify) -> None:
    """It runs with its usual vector store."""
    choose_usual_store(dify)
    dify.here.done("up", "dify")
    runs(dify, EXPECTED)
