"""What the release looks for in the installed window on Windows, here in Chromium."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from aiserver_tray.protocol.message import answer
from bundler.try_window import NotReadyError, look
from tests.ui.conftest import Stack

MEMORY = {"name": "memory", "grade": "ok", "message": "16 GB", "remedies": []}


def test_the_window_is_ready_once_the_first_steps_have_their_checks(
    stack: Stack, chromium: Chrome, tmp_path: Path
) -> None:
    address = chromium.capabilities["goog:chromeOptions"]["debuggerAddress"]
    picture = tmp_path / "page.png"
    stack.host.answers |= {
        "ai/app/welcome": answer({"pending": True}),
        "ai/doctor/run": answer({"checks": []}),
    }
    page = stack.home()
    page.wait_for(".wiz")
    with pytest.raises(NotReadyError, match="Let's check your computer"):
        look(address, picture, seconds=0)
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.unlink()

    stack.host.answers["ai/doctor/run"] = answer({"checks": [MEMORY]})
    page.button("Check again").click()
    look(address, picture)
    assert picture.exists()


def test_it_reports_that_there_is_no_window(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="refused"):
        look("127.0.0.1:1", tmp_path / "page.png", seconds=0)
