"""What this machine has to spare."""

import shutil
from pathlib import Path

import psutil
import pytest

from aiserver_tray.system.resources import available_memory, free_disk, kernel_setting
from tests.support.systems import on_linux


@on_linux
def test_available_memory_is_some_of_the_machines() -> None:
    available = available_memory()
    assert available is not None
    assert 0 < available < psutil.virtual_memory().total
    assert available == pytest.approx(psutil.virtual_memory().available, rel=0.5)


def test_free_disk_is_that_of_the_folders_disk_and_what_is_none_is_unknown(tmp_path: Path) -> None:
    free = free_disk(str(tmp_path))
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert free_disk(str(tmp_path / "none")) is None
    for name in ("vm.none", "", "vm", "kernel.ostype", "../../etc/passwd", "/etc"):
        assert kernel_setting(name) is None


@on_linux
def test_a_disk_may_be_full_and_a_kernel_setting_is_the_kernels() -> None:
    assert free_disk("/proc/sys") == 0
    path = Path("/proc/sys/vm/max_map_count")
    assert kernel_setting("vm.max_map_count") == int(path.read_text(encoding="ascii"))
