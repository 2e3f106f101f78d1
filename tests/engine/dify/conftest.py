"""Dify, which takes long to start: once for all tests of this folder, each of which leaves it
running."""

from collections.abc import Iterator

import pytest

from tests.engine.dify import Dify, installed
from tests.lab.place import Place


@pytest.fixture(scope="package")
def dify(lab: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dify]:
    with installed(lab, tmp_path_factory.mktemp("dify")) as dify:
        dify.here.done("up", "dify")
        yield dify
