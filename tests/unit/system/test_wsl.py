"""What Windows says of WSL, and the file that limits its memory."""

from pathlib import Path

import pytest

from aiserver_tray.system.wsl import Wsl, decoded, default_version, memory_limit

GIB = 1024**3


@pytest.mark.parametrize(
    ("status", "version"),
    [
        ("Default Distribution: Ubuntu\r\nDefault Version: 2\r\n", 2),
        ("默认分发: docker-desktop\r\n默认版本： 1\r\n", 1),
        ("Default Version: 2\r\n\r\nWSL1 is not supported with your configuration: 0x8\r\n", 2),
        ("nothing of that", None),
    ],
)
def test_the_default_version_is_read_in_each_language(status: str, version: int | None) -> None:
    assert default_version(decoded(status.encode("utf-16-le"))) == version


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ("[wsl2]\nmemory=8GB # half\n", None),
        ("[wsl2]\nmemory = 8GB\nprocessors=4\n", 8 * GIB),
        ("[wsl2]\nMemory=512mb\n", 512 * 1024**2),
        ("[experimental]\nmemory=8GB\n", None),
        ("memory=8GB\n", None),
        ("", None),
    ],
)
def test_the_limit_is_that_of_its_section(config: str, limit: int | None) -> None:
    assert memory_limit(config) == limit


def wsl(memory: int | None) -> Wsl:
    return Wsl(is_installed=True, version=2, memory=memory, file=Path())


def test_without_a_limit_it_takes_half_of_the_machine() -> None:
    assert wsl(None).memory_of(32 * GIB) == 16 * GIB
    assert wsl(24 * GIB).memory_of(32 * GIB) == 24 * GIB
    assert wsl(24 * GIB).memory_of(16 * GIB) == 16 * GIB
