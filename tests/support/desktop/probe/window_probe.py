"""Answers what a test asks about a window: takes one line of JSON a connection, ``{"js": …}`` or
``{"python": …}``, and answers ``{"value": …}`` or ``{"error": …}``."""

import json
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 20


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
    window.events._pywebviewready.wait(TIMEOUT_SECONDS)
    return window.evaluate_js(question["js"])


def start(place: str) -> None:
    """Begin, and write the port of 127.0.0.1 to the file *place*."""
    threading.Thread(target=_serve, args=(place,), name="probe", daemon=True).start()


def _serve(place: str) -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Question)
    server.daemon_threads = True
    scratch = Path(place + ".tmp")
    scratch.write_text(str(server.server_address[1]))
    scratch.replace(place)
    server.serve_forever()
