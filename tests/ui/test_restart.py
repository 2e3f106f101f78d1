"""A tab of the browser while ``serve`` ends and starts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from selenium.webdriver import Chrome

from tests.support.limits import LIMIT
from tests.support.systems import on_unix
from tests.support.visitor import Visitor
from tests.ui.home import HomePage

SERVE = [sys.executable, "-m", "aiserver_tray", "--host", "unix:///nonexistent/docker.sock"]
SETTINGS, DOCTOR = (
    f".nav-item[href='#{name}'][aria-current=page]" for name in ("settings", "doctor")
)


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The address that ``serve`` prints. It ends in order."""
    command = [*SERVE, "--home", str(home), "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
            process.terminate()
            assert process.wait(LIMIT) == 0
        finally:
            process.kill()


@dataclass(frozen=True)
class Request:
    """What the stranger got."""

    method: str
    path: str
    headers: dict[str, str | None]


@contextmanager
def stranger(port: int) -> Iterator[list[Request]]:
    """Another program at *port*, which answers as an owner does as far as it can. Yields what it
    is asked."""
    asked: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(Request(self.command, self.path, dict(self.headers)))
            self.send_response(200 if self.path == "/return" else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"challenge": "x"}).encode())

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield asked
        server.shutdown()


@on_unix
def test_a_tab_returns_after_a_restart_and_another_program_at_its_port_learns_nothing(
    chromium: Chrome, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with serving(home) as address:
        page = HomePage(chromium, address, tmp_path)
        page.button("Skip for now").click()
        page.wait_for(".nav-item")
        page.go("settings")
        page.wait_for(SETTINGS)
        wait_for_ticket(page)
        page.wait_for_text("Language")
    before = page.script("return location.pathname")
    page.wait_for_text("AI-Server Tray has stopped", ".notice.warning")
    page.go("doctor")  # nobody serves its script now
    page.wait_for(DOCTOR)

    with serving(home) as again:
        assert Visitor(again).place == Visitor(address).place
        returned = "return location.pathname !== arguments[0]"
        page.until(lambda: page.script(returned, before), "the page of the new process")
        page.wait_for(DOCTOR)
        page.wait_for_text("engine", "main")
        assert not page.all(".notice.warning")
        wait_for_ticket(page)

    with stranger(Visitor(address).place[1]) as asked:
        page.wait_for_text("run aiserver-tray open", ".notice.warning")
    assert "POST" in {request.method for request in asked}, "it was shown what the page signs"
    with serving(home) as again:
        owner = Visitor(again)
        for request in asked:
            answer = owner.ask(request.method, request.path, b"", request.headers)
            is_public = (request.method, request.path) == ("GET", "/return")
            assert answer.status == (200 if is_public else 401), request
    chromium.get("about:blank")


def wait_for_ticket(page: HomePage) -> None:
    """Wait until *page* can return."""
    has_ticket = """
    const files = performance.getEntriesByType("resource");
    return files.some((file) => file.name.endsWith("/ticket") && file.responseStatus === 200);
    """
    page.until(lambda: page.script(has_ticket), "the ticket")
