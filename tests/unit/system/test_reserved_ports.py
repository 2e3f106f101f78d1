"""What netsh prints. It is on Windows only, so its output stands here."""

import pytest

from aiserver_tray.system.ports import ranges_in, reserved_range

ENGLISH = """
Protocol tcp Port Exclusion Ranges

Start Port    End Port
----------    --------
      5357        5357
     49709       49808
     50000       50059     *

* - Administered port exclusions.

""".replace("\n", "\r\n").encode("cp437")

CHINESE = """
协议 tcp 端口排除范围

开始端口    结束端口
----------    --------
      5357        5357
     49709       49808
     50000       50059     *

* - 管理的端口排除。
""".replace("\n", "\r\n").encode("gbk")


@pytest.mark.parametrize("printed", [ENGLISH, CHINESE])
def test_ranges_are_read_in_any_language(printed: bytes) -> None:
    assert ranges_in(printed) == [(5357, 5357), (49709, 49808), (50000, 50059)]


def test_other_words_are_no_ranges() -> None:
    assert ranges_in(b"The following command was not found: interface 1 2 show.\r\n") == []


def test_an_ordinary_port_is_reserved_by_nobody() -> None:
    assert reserved_range("127.0.0.1", 1, "tcp") is None
