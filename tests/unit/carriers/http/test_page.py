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


@pytest.mark.parametrize(("name", "type_"), TYPES.items())
def test_files_have_their_types_and_the_policy(
    page: Page, visitor: Visitor, name: str, type_: str
) -> None:
    answer = visitor.get(page.path + name)
    assert answer.status == 200
    assert answer.headers["content-type"] == type_
    assert answer.body == (ui_folder() / name).read_bytes()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self' 'unsafe-eval'", "style-src 'self'"} < {*policy}
    assert {"frame-src 'none'", "form-action 'none'", "base-uri 'none'"} < {*policy}


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


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/index.html",
        "/{page}x",
        "{page}js",
        "{page}js/",
        "{page}none.js",
        "{page}vendor/lit-html/LICENSE",
        "{page}../index.html",
        "{page}..%2f..%2fpyproject.toml",
        "{page}/etc/passwd",
        "{page}%00",
        "/é",
    ],
)
def test_there_is_nothing_else(page: Page, visitor: Visitor, path: str) -> None:
    answer = visitor.get(path.format(page=page.path))
    assert answer.status == 404
    assert page.path.encode() not in answer.body


@pytest.mark.parametrize("name", ["evil.example:{port}", "localhost:{port}", "127.0.0.1", None])
def test_only_its_own_address_leads_to_it(page: Page, visitor: Visitor, name: str | None) -> None:
    host = name and name.format(port=visitor.place[1])
    assert visitor.get(page.path, Host=host).status == 404


def test_it_only_gives(page: Page, visitor: Visitor) -> None:
    assert visitor.ask("HEAD", page.path, b"", {}).status == 200
    assert visitor.ask("POST", page.path, b"x", {}).status == 405
