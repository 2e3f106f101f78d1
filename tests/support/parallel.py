"""Which tests go to one worker together, and in which order, when several workers run them."""

from collections.abc import Sequence

import psutil
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import NodeManager

LEVELS = ("packages", "engine", "desktop", "wine", "contract", "oracle", "ui", "unit")
"""The longest tests first, so that no worker is left alone with one at the end."""

_TOGETHER = ("tests/contract/", "tests/engine/dify/", "tests/wine/")
"""Folders whose tests share what is expensive to make: all go to one worker. Elsewhere the tests
of one file do."""
_BESIDE = {"tests/packages/test_setup.py": "tests/packages/test_bundle.py"}
"""File -> the file to whose worker it goes, since that has made what both need."""

END_SECONDS = 20.0
"""Seconds until an interrupted worker is killed. Execnet makes a worker exit after 15 by itself."""


def level_of(nodeid: str) -> str:
    """The level of a test, which is the folder below ``tests/``; or an empty text."""
    first, _, rest = nodeid.partition("/")
    return rest.partition("/")[0] if first == "tests" else ""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Deals out files, a few of them together, in the order of collection."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next(filter(file.startswith, _TOGETHER), _BESIDE.get(file, file))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """pytest-xdist's hook, called where there are workers."""
    config.option.loadscopereorder = False
    NodeManager.EXIT_TIMEOUT = END_SECONDS
    config.pluginmanager.register(Interruption())
    return Scheduling(config, log)


class Interruption:
    """Interrupts the workers, too, for which pytest-xdist by itself waits five seconds first."""

    def pytest_keyboard_interrupt(self) -> None:
        """pytest's hook, in the process that has workers."""
        for worker in psutil.Process().children():
            worker.terminate()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests by level; inside a level, the order stays."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str, levels: Sequence[str] = LEVELS) -> int:
    level = level_of(nodeid)
    return levels.index(level) if level in levels else len(levels)
