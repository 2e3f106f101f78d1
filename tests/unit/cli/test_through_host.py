"""With a host of the core, commands do and print what they do without."""

import socket
from contextlib import closing
from pathlib import Path

import pytest

from aiserver_tray.control.client import Client
from tests.support.command_line import Tray
from tests.support.host_process import hosted
from tests.support.stack import service, write
from tests.unit.runtime_folder import runtime_folder

__all__ = ["runtime_folder"]


@pytest.fixture
def tray(tmp_path: Path) -> Tray:
    """A new installation with the module web, and no engine."""
    catalog = tmp_path / "catalog"
    write(catalog, "web", {"web": service()}, kind="feature")
    return Tray(tmp_path / "home", catalog, f"unix://{tmp_path}/none.sock")


def operations(client: Client) -> list[tuple[str, str]]:
    found = client.request("ai/operation/list")["operations"]
    return [(operation["kind"], operation["status"]) for operation in found]


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "--json"),
        ("up", "web"),
        ("up", "wbe"),
        ("stop", "--no-wait"),
        ("down", "--volumes", "--yes"),
        ("choose", "web"),
        ("choose", "nothing"),
        ("autostart",),
        ("autostart", "off"),
        ("config", "set", "app.language", "zh"),
        ("config", "set", "app.language", "xx"),
        ("config", "unset", "app.nothing"),
    ],
    ids=" ".join,
)
def test_commands_print_and_end_as_without_a_host(tray: Tray, words: tuple[str, ...]) -> None:
    alone = tray.run(*words)
    with hosted(tray):
        assert tray.run(*words) == alone


def test_an_engine_that_takes_its_time_keeps_nobody_waiting(tray: Tray, tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as silent:
        silent.bind(f"{tmp_path}/none.sock")
        silent.listen()
        with hosted(tray) as (_, host):
            told = tray.run("status").succeeded().output
            host.kill()
    assert told.startswith("The Docker engine was asked, but has not answered yet.")


def test_operations_are_the_hosts_where_engine_and_catalog_agree(
    tray: Tray, tmp_path: Path
) -> None:
    with hosted(tray) as (client, _):
        assert tray.run("up", "web").failures == ["E_ENGINE_DOWN"]
        assert operations(client) == [("up", "failed")]
        for other in (
            Tray(tray.home, tray.catalog, "unix:///other.sock"),
            Tray(tray.home, tmp_path, tray.host),
        ):
            other.run("stop")
            assert operations(client) == [("up", "failed")]


def test_the_host_knows_at_once_what_was_set(tray: Tray) -> None:
    with hosted(tray) as (client, _):
        tray.run("config", "set", "app.language", "zh").succeeded()
        tray.run("choose", "web").succeeded()
        (entry,) = client.request("ai/config/get", {"name": "app.language"})["entries"]
        assert entry["value"] == "zh"
        assert client.request("ai/config/choose")["chosen"] == ["web"]
        tray.run("config", "unset", "app.language").succeeded()
        (entry,) = client.request("ai/config/get", {"name": "app.language"})["entries"]
        assert entry["value"] == "system"


def test_what_was_added_to_the_catalog_is_done_by_a_host_that_runs(tray: Tray) -> None:
    with hosted(tray) as (client, _):
        write(tray.catalog, "late", {"late": service()}, kind="feature")
        tray.run("choose", "late").succeeded()
        tray.run("up", "late").failed("E_ENGINE_DOWN")
        assert operations(client) == [("up", "failed")]
        assert client.request("ai/config/choose")["chosen"] == ["late"]
