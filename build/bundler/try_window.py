"""Install the setup on Windows, open the dashboard's window, and take pictures of it.

python build/bundler/try_window.py FOLDER PICTURES       FOLDER has the installer

Wine has no WebView2, the browser engine of the windows. Here it shows the window, and its debugging
port reports whether the page is ready. Needs administrator rights.
"""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from PIL import ImageGrab
from websocket import WebSocketException, create_connection

PORT: Final = 9222
INSTALL_SECONDS: Final = 120
READY_SECONDS: Final = 120
ANSWER_SECONDS: Final = 20

PROGRAM: Final = "aiserver-trayw.exe"
_POLICY: Final = r"Software\Policies\Microsoft\Edge\WebView2\AdditionalBrowserArguments"

_READY: Final = "Boolean(document.querySelector('.cks > li')?.checkVisibility())"
"""A new home opens the dashboard by itself, with the first steps. Their checks come from the core,
so the page, its connection and the core work."""

_STATE: Final = "`${document.visibilityState}, ${location.href}:\\n${document.body.innerText}`"


class NotReadyError(Exception):
    """The window did not become ready; the message has the last that is known of it."""


class Page:
    """The page of a browser whose debugging protocol is at *address*
    (https://chromedevtools.github.io/devtools-protocol). No driver, whose version would have to be
    that of the browser.

    Raises:
        OSError: there is no browser.
        NotReadyError: the browser has no page.
    """

    def __init__(self, address: str) -> None:
        with urlopen(f"http://{address}/json/list", timeout=ANSWER_SECONDS) as answer:
            pages = [target for target in json.load(answer) if target["type"] == "page"]
        if not pages:
            raise NotReadyError(f"The browser at {address} has no page.")
        self._socket = create_connection(
            pages[0]["webSocketDebuggerUrl"], ANSWER_SECONDS, suppress_origin=True
        )

    def value(self, expression: str) -> Any:  # noqa: ANN401 - JSON
        """The value of *expression* in the page; None if it throws."""
        return self._ask("Runtime.evaluate", expression=expression)["result"].get("value")

    def picture(self) -> bytes:
        """The page as a PNG."""
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])

    def close(self) -> None:
        """Leave it as it is."""
        self._socket.close()

    def _ask(self, method: str, **params: object) -> dict[str, Any]:
        self._socket.send(json.dumps({"id": 1, "method": method, "params": params}))
        answer: dict[str, Any] = json.loads(self._socket.recv())
        if "result" not in answer:
            raise NotReadyError(f"{method}: {answer}")
        result: dict[str, Any] = answer["result"]
        return result


def look(address: str, picture: Path, seconds: float = READY_SECONDS) -> None:
    """Save the *picture* of the page of the browser at *address*, once the page is ready.

    Raises:
        NotReadyError: it is not ready after *seconds*. If there is a page, the picture shows it.
    """
    deadline = time.monotonic() + seconds
    while True:
        state = ""
        try:
            with closing(Page(address)) as page:
                state, is_ready = str(page.value(_STATE)), page.value(_READY)
                picture.write_bytes(page.picture())
            if is_ready:
                return
        except (OSError, WebSocketException, NotReadyError) as error:
            state += f"\n{type(error).__name__}: {error}"
        if time.monotonic() > deadline:
            raise NotReadyError(f"The dashboard is not ready after {seconds:.0f} s. {state}")
        time.sleep(1)


@contextmanager
def debugging(program: str) -> Iterator[None]:
    """Let WebView2 open the debugging port in *program*. It ignores its environment variable for
    this in elevated processes (https://github.com/MicrosoftEdge/WebView2Feedback/issues/5645)."""
    key = rf"HKLM\{_POLICY}"
    value = ["/v", program, "/d", f"--remote-debugging-port={PORT}"]
    subprocess.run(["reg", "add", key, *value, "/f"], check=True)
    try:
        yield
    finally:
        subprocess.run(["reg", "delete", key, "/v", program, "/f"], check=True)


def main(folder: Path, pictures: Path) -> None:
    """Raises ``SubprocessError`` or ``NotReadyError`` if it does not work."""
    pictures.mkdir(parents=True, exist_ok=True)
    (setup,) = folder.glob("*-setup.exe")
    subprocess.run([setup, "/S"], check=True, timeout=INSTALL_SECONDS)
    local = Path(os.environ["LOCALAPPDATA"])
    programs = local / "Programs/AIServerTray"
    with debugging(PROGRAM):
        tray = subprocess.Popen([programs / PROGRAM])
        try:
            look(f"127.0.0.1:{PORT}", pictures / "page.png")
            ImageGrab.grab().save(pictures / "screen.png")
            subprocess.run([programs / "aiserver-tray.exe", "quit"], check=True, timeout=60)
            tray.wait(60)
        except Exception:
            ImageGrab.grab().save(pictures / "screen.png")
            for log in (local / "aiserver-tray/logs").glob("*.log"):
                sys.stderr.write(f"{log.name}:\n{log.read_text(encoding='utf-8')}\n")
            raise
        finally:
            tray.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
