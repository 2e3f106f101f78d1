"""The owner serves the dashboard to browsers for a client, as long as that one is there."""

import socket
from urllib.parse import parse_qs, urlsplit

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.core.app import App
from aiserver_tray.protocol.message import Json
from tests.support.surroundings import Recorded
from tests.support.waiting import eventually
from tests.unit.owner.owning import owned

REQUEST: Json = {
    "address": "127.0.0.1", "port": 0, "token": "t" * 32, "session": "s" * 32, "page": "p" * 32,
}  # fmt: skip


def is_served(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 20).close()
    except ConnectionRefusedError:
        return False
    return True


def test_browser_server_ends_with_its_client_and_returns_at_the_same_address(app: App) -> None:
    with owned(app, Recorded()):
        with Client.connect(app.settings.home, "command") as client:
            opened = client.request("browser/open", REQUEST)
            port, address = opened["port"], urlsplit(opened["address"])
            assert parse_qs(address.query) == {"token": [REQUEST["token"]]}
            assert (address.port, is_served(port)) == (port, True)
        eventually(lambda: not is_served(port), "the end of the server")
        with Client.connect(app.settings.home, "command") as client:
            assert client.request("browser/open", {**REQUEST, "port": port}) == opened
            assert is_served(port)
    assert not is_served(port), "it ended with the owner"


def test_a_request_that_is_not_fit_is_refused_and_its_secrets_not_repeated(app: App) -> None:
    with (
        owned(app, Recorded()),
        Client.connect(app.settings.home, "command") as client,
        Client.connect(app.settings.home, "window") as page,
        socket.create_server(("127.0.0.1", 0)) as taken,
    ):
        told = client.call("browser/open", {**REQUEST, "port": taken.getsockname()[1]})
        assert told["code"] == "E_SETTING"
        assert page.call("browser/open", REQUEST)["code"] == "E_REQUEST", "it opens no door"
        for secret in ("token", "session", "page"):
            told = client.call("browser/open", {**REQUEST, secret: "guessable"})
            assert (told["code"], told["data"]) == ("E_REQUEST", {"fields": [secret]})
            assert "guessable" not in told["message"]
