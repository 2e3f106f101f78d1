"""A real Chromium without a window."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.support.no_network_news import refuse_network_news

FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
)


@contextmanager
def chromium_in(folder: Path) -> Iterator[Chrome]:
    """A browser that keeps all that it leaves behind in *folder*."""
    options = ChromeOptions()
    if chromium := shutil.which("chromium"):  # else selenium finds its own
        options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    temporary = folder / "tmp"
    temporary.mkdir()
    service = Service(
        shutil.which("chromedriver"),
        env=os.environ | {"TMPDIR": str(temporary)},
        popen_kw={"preexec_fn": refuse_network_news},
    )
    browser = Chrome(options, service)
    try:
        yield browser
    finally:
        browser.quit()
