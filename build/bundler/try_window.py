"""Install the setup on Windows, open the dashboard's window, and take its picture.

python build/bundler/try_window.py FOLDER PICTURE.png       FOLDER has the installer

The window's browser engine, WebView2, is asked by its remote debugging port whether the page is
ready, as a person would see it. Wine has no WebView2.
"""

import os
import subprocess
import sys
from pathlib import Path

from selenium.webdriver import Edge, EdgeOptions
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import visibility_of_element_located
from selenium.webdriver.support.wait import WebDriverWait

PORT = 9222
INSTALL_SECONDS = 120
READY_SECONDS = 120


def main(folder: Path, picture: Path) -> None:
    """Raises ``CalledProcessError`` or ``TimeoutException`` if it does not work."""
    (setup,) = folder.glob("*-setup.exe")
    subprocess.run([setup, "/S"], check=True, timeout=INSTALL_SECONDS)
    programs = Path(os.environ["LOCALAPPDATA"], "Programs", "AIServerTray")
    arguments = f"--remote-debugging-port={PORT}"
    env = {**os.environ, "WEBVIEW2_ADDITIONAL_BROWSER_ARGUMENTS": arguments}
    with subprocess.Popen([programs / "aiserver-trayw.exe"], env=env) as tray:
        try:
            look(picture)
        finally:
            subprocess.run([programs / "aiserver-tray.exe", "quit"], check=True, timeout=60)
        tray.wait(60)


def look(picture: Path) -> None:
    """Save the *picture* of the window once its page is ready. A new home opens the dashboard by
    itself."""
    options = EdgeOptions()
    options.debugger_address = f"127.0.0.1:{PORT}"
    with Edge(options) as window:
        heading = (By.TAG_NAME, "h1")
        WebDriverWait(window, READY_SECONDS).until(visibility_of_element_located(heading))
        window.save_screenshot(str(picture))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
