"""What Windows says of WSL, and the file that limits its memory."""

from dataclasses import replace
from pathlib import Path

from aiserver_tray.system.wsl import Wsl, decoded, default_version, memory_limit

GIB = 1024**3


def test_the_default_version_is_read_in_each_language() -> None:
    versions = {
        "Default Distribution: Ubuntu\r\nDefault Version: 2\r\n": 2,
        "默认分发: docker-desktop\r\n默认版本： 1\r\n": 1,
        "Default Version: 2\r\n\r\nWSL1 is not supported with your configuration: 0x8\r\n": 2,
        "nothing of that": None,
    }
    read = {said: default_version(decoded(said.encode("utf-16-le"))) for said in versions}
    assert read == versions


def test_the_limit_is_that_of_its_section_or_half_of_the_machine() -> None:
    limits = {
        "[wsl2]\nmemory=8GB # half\n": None,
        "[wsl2]\nmemory = 8GB\nprocessors=4\n": 8 * GIB,
        "[wsl2]\nMemory=512mb\n": 512 * 1024**2,
        **dict.fromkeys(("[experimental]\nmemory=8GB\n", "memory=8GB\n", "")),
    }
    assert {config: memory_limit(config) for config in limits} == limits
    wsl = Wsl(is_installed=True, version=2, memory=None, file=Path())
    assert wsl.memory_of(32 * GIB) == 16 * GIB
    limited = replace(wsl, memory=24 * GIB)
    assert limited.memory_of(32 * GIB) == 24 * GIB
    assert limited.memory_of(16 * GIB) == 16 * GIB
