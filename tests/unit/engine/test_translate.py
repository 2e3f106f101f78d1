"""No error of another library reaches our callers."""

import inspect
from pathlib import Path
from types import ModuleType

import docker.errors
import pytest
import requests
import urllib3

from aiserver_tray.base.errors import (
    EngineDownError,
    EngineNotInstalledError,
    EngineRequestError,
    ObjectConflictError,
    ObjectNotFoundError,
    ResourcesError,
    SettingError,
    UnsupportedError,
)
from aiserver_tray.engine import translate as translation
from aiserver_tray.engine.address import Address
from aiserver_tray.engine.sdk import MISUSED, UNFIT
from aiserver_tray.engine.translate import refusal, translate, translated
from aiserver_tray.system import engine_place
from tests.support.systems import on_linux

HERE = Address("unix:///var/run/docker.sock", "local", {})
NAMED = Address("tcp://engine:2375", "--engine", {})


def errors_of(module: ModuleType) -> list[type[Exception]]:
    """The errors that *module* itself defines."""
    return [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Exception)
        and not issubclass(found, Warning)
        and found.__module__ == module.__name__
    ]


SDK = [e for e in errors_of(docker.errors) if not issubclass(e, docker.errors.APIError)]
TRANSPORT = [
    *(e for e in errors_of(requests.exceptions) if issubclass(e, requests.RequestException)),
    *(e for e in errors_of(urllib3.exceptions) if issubclass(e, urllib3.exceptions.HTTPError)),
]


class PipeError(Exception):
    """Like ``pywintypes.error``, which is on Windows only."""

    def __init__(self, winerror: int, strerror: str) -> None:
        super().__init__(winerror, "CreateFile", strerror)
        self.winerror = winerror
        self.strerror = strerror


PipeError.__module__ = "pywintypes"


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "is_installed", lambda: False)


@pytest.mark.parametrize("error", SDK, ids=lambda error: error.__name__)
def test_every_error_of_the_sdk_is_one_of_ours(error: type[Exception]) -> None:
    assert error is docker.errors.DockerException or error in (*MISUSED, *UNFIT)
    assert translate(error.__new__(error), HERE) is not None


@pytest.mark.parametrize("error", [docker.errors.APIError, docker.errors.NotFound])
def test_refusals_that_the_sdk_found_are_refusals(error: type[docker.errors.APIError]) -> None:
    response = requests.Response()
    response.status_code = 404
    found = translate(error("message", response, "No such container: x"), HERE)
    assert isinstance(found, ObjectNotFoundError)
    assert found.explanation == "No such container: x"


@pytest.mark.parametrize("error", TRANSPORT, ids=lambda error: error.__name__)
def test_every_error_of_the_transport_means_a_lost_engine(error: type[Exception]) -> None:
    raised = error.__new__(error)
    assert isinstance(translate(raised, NAMED), EngineDownError)


def test_a_lost_connection_names_address_and_reason() -> None:
    inner = urllib3.exceptions.ProtocolError(
        "Connection aborted.", ConnectionRefusedError(111, "Connection refused")
    )
    found = translate(requests.ConnectionError(inner), NAMED)
    assert isinstance(found, EngineDownError)
    assert str(found) == (
        "The Docker engine at tcp://engine:2375 does not respond (Connection refused). Start "
        "it, then try again."
    )
    # Error that the caller was handling is not the reason.
    lost = ConnectionResetError(104, "Connection reset by peer")
    lost.__context__ = KeyError("something else")
    found = translate(lost, NAMED)
    assert "connection was lost" in str(found)


@pytest.mark.parametrize(
    ("can_install", "advice"),
    [(True, "with `aiserver-tray engine install`, or"), (False, "Install Docker Desktop or")],
)
def test_no_socket_and_nothing_installed_is_no_engine(
    nothing_installed: None, monkeypatch: pytest.MonkeyPatch, advice: str, *, can_install: bool
) -> None:
    monkeypatch.setattr(translation, "can_install", lambda: can_install)
    found = translate(FileNotFoundError(2, "No such file or directory"), HERE)
    assert isinstance(found, EngineNotInstalledError)
    assert advice in str(found)


@on_linux
def test_an_installed_engine_that_is_down_comes_with_the_command_that_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dockerd"
    program.touch(0o755)
    monkeypatch.setattr(engine_place, "_SYSTEM_PROGRAMS", (str(program),))
    monkeypatch.setattr(engine_place, "_SYSTEMD", tmp_path)
    error = ConnectionRefusedError(111, "Connection refused")
    found = str(translate(error, Address("unix:///run/docker.sock", "--engine", {})))
    assert "Start it with `sudo systemctl start docker`, then try again." in found
    monkeypatch.setattr(engine_place, "_SYSTEMD", tmp_path / "none")
    assert "Start it, then try again." in str(translate(error, HERE))


def test_missing_socket_that_the_user_named_is_an_engine_that_is_down(
    nothing_installed: None,
) -> None:
    assert isinstance(translate(FileNotFoundError(2, "No such file"), NAMED), EngineDownError)


def test_windows_pipes_have_errors_of_their_own(nothing_installed: None) -> None:
    absent = translate(PipeError(2, "The system cannot find the file specified."), HERE)
    denied = translate(PipeError(5, "Access is denied."), HERE)
    ended = translate(PipeError(109, "The pipe has been ended."), HERE)
    closed = translate(RuntimeError("Can not reuse socket after connection was closed."), HERE)
    assert isinstance(absent, EngineNotInstalledError)
    assert isinstance(denied, EngineDownError)
    assert "docker-users" in str(denied)
    assert "The pipe has been ended." in str(ended)
    assert isinstance(closed, EngineDownError)


@pytest.mark.parametrize("raised", [TimeoutError(), requests.ReadTimeout("slow")])
def test_silence_is_said_in_our_words(raised: Exception) -> None:
    assert "the request timed out" in str(translate(raised, NAMED))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, ObjectNotFoundError),
        (409, ObjectConflictError),
        (500, EngineRequestError),
        (501, UnsupportedError),
    ],
)
def test_a_refusal_keeps_status_and_words(status: int, kind: type[EngineRequestError]) -> None:
    found = refusal(status, "it is so")
    assert type(found) is kind
    assert isinstance(found, EngineRequestError)
    assert (found.status, found.explanation) == (status, "it is so")


def test_a_full_disk_and_a_missing_gpu_are_reported_with_a_remedy() -> None:
    found = refusal(500, "write /var/lib/docker/x: no space left on device")
    assert isinstance(found, ResourcesError)
    assert "docker system prune" in str(found)
    # Missing gpu is reported with the fix.
    why = 'could not select device driver "nvidia" with capabilities: [[gpu]]'
    found = refusal(500, why)
    assert isinstance(found, ResourcesError)
    assert str(found).startswith(f"The engine has no GPU for containers ({why}). Install ")


def test_wrong_settings_of_docker_are_settings_and_errors_of_ours_pass() -> None:
    error = docker.errors.TLSParameterError("Path to a certificate and key files must be provided")
    assert isinstance(translate(error, NAMED), SettingError)
    # An error of ours passes.
    with pytest.raises(ZeroDivisionError), translated(NAMED):
        raise ZeroDivisionError
