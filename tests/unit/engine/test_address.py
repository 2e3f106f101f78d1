"""Which engine is meant."""

import pytest

from aiserver_tray.engine.address import find_address
from aiserver_tray.errors import SettingError
from aiserver_tray.host.engine_place import default_host


def test_the_option_wins_over_the_environment() -> None:
    found = find_address("unix:///a.sock", {"DOCKER_HOST": "unix:///b.sock"})
    assert (found.host, found.is_default) == ("unix:///a.sock", False)


def test_the_environment_wins_over_the_local_engine() -> None:
    found = find_address(None, {"DOCKER_HOST": "tcp://10.0.0.1:2375"})
    assert (found.host, found.is_default) == ("tcp://10.0.0.1:2375", False)


@pytest.mark.parametrize("environment", [{}, {"DOCKER_HOST": ""}])
def test_without_either_the_engine_is_the_local_one(environment: dict[str, str]) -> None:
    found = find_address(None, environment)
    assert (found.host, found.is_default, found.is_local) == (default_host(), True, True)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("unix:///run/docker.sock", True),
        ("npipe:////./pipe/docker_engine", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://localhost:2375", True),
        ("tcp://[::1]:2375", True),
        ("tcp://10.0.0.1:2375", False),
        ("https://engine.example:2376", False),
    ],
)
def test_an_address_tells_whether_it_is_this_machine(host: str, *, is_local: bool) -> None:
    assert find_address(host, {}).is_local is is_local


@pytest.mark.parametrize(
    "host",
    ["nonsense", "tcp://", "tcp://engine", "tcp://engine:port", "unix://", "ftp://x:1", "/run/x"],
)
def test_what_is_no_address_is_refused_with_an_example(host: str) -> None:
    with pytest.raises(SettingError, match="unix:///PATH") as caught:
        find_address(None, {"DOCKER_HOST": host})
    assert caught.value.data["name"] == "DOCKER_HOST"


def test_ssh_is_refused_with_the_way_round() -> None:
    with pytest.raises(SettingError, match="ssh -NL") as caught:
        find_address("ssh://me@machine", {})
    assert caught.value.data["name"] == "--host"
