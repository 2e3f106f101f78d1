"""What stands in a module's window until its own page can."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import get_args

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import State
from aiserver_tray.window import waiting
from tests.support import states


@pytest.mark.parametrize("state", get_args(State))
def test_every_state_has_its_reason(state: str) -> None:
    snapshot = states.snapshot("running", states.module("n8n", state, reason="port {x} is taken"))
    assert "port {x} is taken" in waiting.reason(snapshot, "n8n").render("zh")
    assert waiting.may_answer(snapshot, "n8n") == (state in ("running", "degraded"))
    assert waiting.is_doubtful(snapshot, "n8n") == (state != "running")
    assert waiting.is_gone(snapshot, "n8n") == (state == "stopped")


def test_without_a_host_or_a_module_it_is_not_asked() -> None:
    without = states.snapshot("running") | {"modules": []}
    for snapshot in (None, without):
        assert not waiting.may_answer(snapshot, "n8n")
        assert waiting.reason(snapshot, "n8n").render()
    for known in (waiting.is_doubtful, waiting.is_gone):
        assert known(without, "n8n"), "a module outside of the catalog is gone"
        assert not known(None, "n8n"), "without a host, nothing is known"


def test_names_and_reasons_are_no_markup() -> None:
    page = waiting.page("<b>&", Text("{why}", why="<script>"), "en")
    assert "<b>" not in page
    assert "<script" not in page
    assert "\n" not in waiting.script("<b>", Text("{why}", why="it's\n\u2028</script>"), "en")


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_path_in_any_script_is_asked_for() -> None:
    with HTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for path in ("", "/测试", "/a%20b;c=d"):
            assert waiting.answers(f"http://127.0.0.1:{server.server_port}{path}")
        server.shutdown()
        thread.join()
    assert server.asked == ["/", "/%E6%B5%8B%E8%AF%95", "/a%20b;c=d"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["http://[", "http://[::1]:99999/", "http://é\u3002\u3002/", ""])
def test_wrong_address_does_not_answer(url: str) -> None:
    assert not waiting.answers(url)
