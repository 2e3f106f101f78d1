"""The page as the window's server gives it."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from aiserver_tray.carriers.http.httpd import Server
from aiserver_tray.carriers.http.page import Page, ui_folder
from tests.support.visitor import Visitor


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def visitor(page: Page) -> Iterator[Visitor]:
    server = Server(("127.0.0.1", 0))
    server.start(page.app)
    yield Visitor(f"http://127.0.0.1:{server.server_port}/")
    server.close()


TYPES = {
    "js/main.js": "text/javascript; charset=utf-8",
    "css/tokens.css": "text/css; charset=utf-8",
    "vendor/lucide-static/first.svg": "image/svg+xml",
}


def test_files_have_their_types_and_the_policy(page: Page, visitor: Visitor) -> None:
    for name, type_ in TYPES.items():
        answer = visitor.get(page.path + name)
        assert (answer.status, answer.headers["content-type"]) == (200, type_)
        assert answer.body == (ui_folder() / name).read_bytes()
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        policy = {*answer.headers["content-security-policy"].split("; ")}
        assert {"default-src 'none'", "script-src 'self' 'unsafe-eval'"} < policy
        assert {"style-src 'self'", "frame-src 'none'"} < policy
        assert {"form-action 'none'", "base-uri 'none'"} < policy


@pytest.mark.parametrize("name", ["", "index.html"])
def test_the_page_has_the_script_that_reloads_it_and_the_policy_allows_just_that(
    page: Page, visitor: Visitor, name: str
) -> None:
    answer = visitor.get(page.path + name)
    script = (ui_folder() / "js/reload.js").read_bytes()
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<script>" + script + b"</script>" in answer.body
    assert answer.body.count(b"<script>") == 1
    policy = answer.headers["content-security-policy"].split("; ")
    assert f"script-src 'self' 'sha256-{digest}' 'unsafe-eval'" in policy


def test_no_two_pages_have_the_same_path() -> None:
    paths = {Page().path for _ in range(10)}
    assert len(paths) == 10
    assert all(len(path) > 30 for path in paths)


def test_there_is_nothing_else(page: Page, visitor: Visitor) -> None:
    names = (
        *("js", "js/", "none.js", "vendor/lit-html/LICENSE", "../index.html"),
        *("..%2f..%2fpyproject.toml", "/etc/passwd", "%00"),
    )
    for path in ("/", "/index.html", f"/{page.path}x", "/é", *(page.path + name for name in names)):
        answer = visitor.get(path)
        assert answer.status == 404
        assert page.path.encode() not in answer.body


def test_only_its_own_address_leads_to_it_and_it_only_gives(page: Page, visitor: Visitor) -> None:
    port = visitor.place[1]
    for name in (f"evil.example:{port}", f"localhost:{port}", "127.0.0.1", None):
        assert visitor.get(page.path, Host=name).status == 404
    assert visitor.ask("HEAD", page.path, b"", {}).status == 200
    assert visitor.ask("POST", page.path, b"x", {}).status == 405
