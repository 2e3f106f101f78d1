"""Opening web addresses. The browser is a fake, a script that notes what it is given."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import RequestError, SettingError
from aiserver_tray.system.desktop import is_web_address, open_url

URL = "http://127.0.0.1:18100/a%20b?x=1&y='2'#z"

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="a shell script")


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the browser notes its words."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {seen}.new\n/bin/mv {seen}.new {seen}\n')
    browser.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr("webbrowser._browsers", {})
    return seen


def test_the_systems_browser_gets_the_address_or_the_user_does(seen: Path) -> None:
    open_url(URL)
    assert seen.read_text() == f"{URL}\n"
    (seen.parent / "browser").unlink()
    with pytest.raises(SettingError, match="Open http://127"):
        open_url(URL)


def test_only_web_addresses_are_opened(seen: Path) -> None:
    for url in (
        *("file:///etc/passwd", "javascript:alert(1)", "ms-settings:", "notepad.exe", "--help", ""),
        *("C:\\Windows\\notepad.exe", "http://", "http:relative", "http://[bad"),
        *("http://x:99999/", "http://x/ --flag", "http://x/\n", 'http://x/"&calc'),
    ):
        with pytest.raises(RequestError, match="not a web address"):
            open_url(url)
    assert not seen.exists()
    for url in (URL, "HTTPS://docs.n8n.io", "https://例え.jp/中文", "http://[::1]:80/"):
        assert is_web_address(url)
