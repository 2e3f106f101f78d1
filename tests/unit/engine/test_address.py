"""Which engine is meant."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.engine.address import find_address
from aiserver_tray.system.engine_place import default_host

AddContext = Callable[..., dict[str, str]]


@pytest.fixture
def add_context(tmp_path: Path) -> AddContext:
    """Adds a context to a folder of Docker's configuration, and makes it the current one; returns
    the environment that names the folder."""

    def add(name: str, host: str | None, *, skip_verify: bool = False) -> dict[str, str]:
        key = hashlib.sha256(name.encode()).hexdigest()
        folder = tmp_path / "contexts/meta" / key
        folder.mkdir(parents=True, exist_ok=True)
        ours = {"docker": {"Host": host, "SkipTLSVerify": skip_verify}} if host else {}
        meta = {"Name": name, "Metadata": {}, "Endpoints": ours}
        (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        config = json.dumps({"auths": {}, "currentContext": name})
        (tmp_path / "config.json").write_text(config, encoding="utf-8")
        return {"DOCKER_CONFIG": str(tmp_path)}

    return add


def test_the_option_wins_over_the_setting_the_environment_and_contexts(
    add_context: AddContext,
) -> None:
    found = find_address("unix:///a.sock", "unix:///c.sock", {"DOCKER_HOST": "unix:///b.sock"})
    assert (found.host, found.source) == ("unix:///a.sock", "--engine")
    # The setting wins over the environment.
    found = find_address(None, "unix:///c.sock", {"DOCKER_HOST": "unix:///b.sock"})
    assert (found.host, found.source) == ("unix:///c.sock", "app.engine")
    # The environment wins over contexts.
    environment = add_context("mine", "unix:///mine.sock")
    environment |= {"DOCKER_HOST": "tcp://10.0.0.1:2375", "DOCKER_CONTEXT": "mine"}
    found = find_address(None, "", environment)
    assert (found.host, found.source) == ("tcp://10.0.0.1:2375", "DOCKER_HOST")


@pytest.mark.parametrize(
    "environment", [{}, {"DOCKER_HOST": ""}, {"DOCKER_CONTEXT": ""}, {"DOCKER_CONTEXT": "default"}]
)
def test_without_any_the_engine_is_the_local_one(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    found = find_address(None, "", {"DOCKER_CONFIG": str(tmp_path), **environment})
    assert (found.host, found.source, found.is_local) == (default_host(), "local", True)
    assert found.notice is None


# -- Docker's contexts -----------------------------------------------------------------------------


def test_a_context_on_this_machine_or_one_that_is_named_is_used(add_context: AddContext) -> None:
    found = find_address(None, "", add_context("desktop-linux", "unix:///desktop.sock"))
    assert (found.host, found.source, found.is_named) == ("unix:///desktop.sock", "context", False)
    # Another machine is used where its context is named.
    environment = add_context("far", "tcp://10.0.0.1:2376") | {"DOCKER_CONTEXT": "far"}
    found = find_address(None, "", environment)
    assert (found.host, found.is_named, found.is_local) == ("tcp://10.0.0.1:2376", True, False)
    # A named context behind ssh is used.
    environment = add_context("far", "ssh://me@machine") | {"DOCKER_CONTEXT": "far"}
    found = find_address(None, "", environment)
    assert (found.host, found.is_local, found.is_bridged) == ("ssh://me@machine", False, True)


@pytest.mark.parametrize("host", ["ssh://me@machine", "tcp://10.0.0.1:2376"])
def test_another_machine_is_never_used_by_a_current_context_alone(
    add_context: AddContext, host: str
) -> None:
    environment = add_context("far", host)
    found = find_address(None, "", environment)
    assert (found.host, found.source) == (default_host(), "local")
    assert f"engine use {host}" in str(found.notice)


@pytest.mark.parametrize(("skip_verify", "verify"), [(False, "1"), (True, "")])
def test_a_context_brings_its_certificates(
    add_context: AddContext, tmp_path: Path, verify: str, *, skip_verify: bool
) -> None:
    environment = add_context("tls", "tcp://127.0.0.1:2376", skip_verify=skip_verify)
    folder = tmp_path / "contexts/tls" / hashlib.sha256(b"tls").hexdigest() / "docker"
    folder.mkdir(parents=True)
    found = find_address(None, "", environment | {"DOCKER_CERT_PATH": "/other"})
    assert found.environment == {"DOCKER_CERT_PATH": str(folder), "DOCKER_TLS_VERIFY": verify}


def test_a_context_without_certificates_or_an_engine_takes_none_from_elsewhere(
    add_context: AddContext,
) -> None:
    environment = add_context("plain", "tcp://127.0.0.1:2375") | {"DOCKER_TLS_VERIFY": "1"}
    assert find_address(None, "", environment).environment == {}
    # A current context without an engine is reported and the local one is used.
    found = find_address(None, "", add_context("cluster", None))
    assert (found.host, found.source) == (default_host(), "local")
    assert "'cluster' has no engine address" in str(found.notice)


def test_a_named_context_that_is_not_there_is_refused(tmp_path: Path) -> None:
    environment = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "gone"}
    with pytest.raises(SettingError, match="docker context ls") as caught:
        find_address(None, "", environment)
    assert caught.value.data["name"] == "DOCKER_CONTEXT"


@pytest.mark.parametrize("content", ["", "{}", '{"currentContext": "default"}'])
def test_a_configuration_without_a_context_means_the_local_engine(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    found = find_address(None, "", {"DOCKER_CONFIG": str(tmp_path)})
    assert (found.source, found.notice) == ("local", None)


@pytest.mark.parametrize("content", ["{", "[]", '{"currentContext": 1}'])
def test_a_configuration_that_is_not_valid_is_a_setting(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(SettingError, match=r"config\.json: "):
        find_address(None, "", {"DOCKER_CONFIG": str(tmp_path)})


# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("unix:///run/docker.sock", True),
        ("npipe:////./pipe/docker_engine", True),
        ("npipe:////fileserver/pipe/docker_engine", False),
        ("npipe:////fileserver/./pipe/docker_engine", False),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://localhost:2375", True),
        ("tcp://[::1]:2375", True),
        ("tcp://10.0.0.1:2375", False),
        ("https://engine.example:2376", False),
    ],
)
def test_an_address_tells_whether_it_is_on_this_machine(host: str, *, is_local: bool) -> None:
    assert find_address(host).is_local is is_local


@pytest.mark.parametrize(
    "host",
    ["nonsense", "tcp://", "tcp://engine", "tcp://engine:port", "unix://", "ftp://x:1", "/run/x"],
)
def test_wrong_engine_address_is_refused_with_an_example(host: str) -> None:
    with pytest.raises(SettingError, match="unix:///PATH") as caught:
        find_address(None, "", {"DOCKER_HOST": host})
    assert caught.value.data["name"] == "DOCKER_HOST"


@pytest.mark.parametrize(
    "host", ["ssh://me@machine:22", "ssh://machine/run/docker.sock", "wsl://Debian"]
)
def test_an_engine_may_be_behind_a_program(host: str) -> None:
    assert find_address(host).host == host


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("ssh://me:secret@machine", "can't contain a password"),
        ("ssh://-oProxyCommand=touch", "expected an engine address"),
        ("ssh://user@-oProxyCommand=touch", "expected an engine address"),
        ("wsl://--shutdown", "expected an engine address"),
        ("ssh://", "expected an engine address"),
        ("ssh://machine:none", "expected an engine address"),
    ],
)
def test_a_password_or_an_option_is_no_address(host: str, why: str) -> None:
    with pytest.raises(SettingError, match=why) as caught:
        find_address(host)
    assert caught.value.data["name"] == "--engine"
    assert "secret" not in str(caught.value.text)
