"""A kernel setting of this machine, which the lab's engine shares, restored after each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.lab.place import default_place

NAME = "vm.max_map_count"
FILE = Path("/proc/sys/vm/max_map_count")


class Setting:
    """The machine's ``vm.max_map_count``; ``need`` is more than was found."""

    def __init__(self) -> None:
        self.found = self.value
        self.need = self.found + 1

    @property
    def value(self) -> int:
        return int(FILE.read_text())

    @property
    def step(self) -> str:
        return f"kernel_setting {NAME}={self.need}"

    def put_back(self) -> None:
        FILE.write_text(str(self.found))


@pytest.fixture
def setting() -> Iterator[Setting]:
    """For one test of this machine at a time."""
    with FileLock(default_place().state / "kernel-setting.lock"):
        setting = Setting()
        try:
            yield setting
        finally:
            setting.put_back()
