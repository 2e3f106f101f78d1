"""Lets a test look into a process with a window: put this folder on its PYTHONPATH and name a
file in AISERVER_PROBE; a port of 127.0.0.1 is written there. It takes one line of JSON a
connection, ``{"js": …}`` or ``{"python": …}``, and answers ``{"value": …}`` or ``{"error": …}``.
"""

import json
import os
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

PATIENCE = 20


class _Question(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        question = json.loads(self.rfile.readline())
        try:
            answer = {"value": _value(question)}
        except Exception as error:  # noqa: BLE001 - the test is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(answer, default=str).encode() + b"\n")


def _value(question: dict[str, str]) -> Any:  # noqa: ANN401 - whatever was asked
    webview = sys.modules["webview"]
    window = webview.windows[-1]
    if "python" in question:
        return eval(question["python"], {"webview": webview, "window": window})
    window.events._pywebviewready.wait(PATIENCE)
    return window.evaluate_js(question["js"])


def _serve(place: str) -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Question)
    server.daemon_threads = True
    scratch = Path(place + ".tmp")
    scratch.write_text(str(server.server_address[1]))
    scratch.replace(place)
    server.serve_forever()


# What starts windows hands the variable on to them.
IS_WINDOW = any(word.startswith("aiserver_tray.window.") for word in sys.orig_argv)

if IS_WINDOW and (place := os.environ.pop("AISERVER_PROBE", "")):
    threading.Thread(target=_serve, args=(place,), name="probe", daemon=True).start()
