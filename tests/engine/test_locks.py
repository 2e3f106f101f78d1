"""Two processes and one module: the command line under the locks of another process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker
import pytest

from aiserver_tray.engine.engine import Engine
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import Home
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support import lock_holder
from tests.support.consents import trust_all
from tests.support.installation import Installation, idle, script
from tests.support.limits import LIMIT
from tests.support.observed import said
from tests.support.preflight_targets import IMAGE, service_of
from tests.support.waiting import eventually

Up = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With locks of the test's own."""
    (tmp_path / "run").mkdir(mode=0o700)
    return os.environ | {"XDG_RUNTIME_DIR": str(tmp_path / "run")}


@pytest.fixture
def up(
    lab: Place, engine: docker.DockerClient, environment: dict[str, str], tmp_path: Path
) -> Iterator[Up]:
    """Begins ``aiserver-tray up`` with words, on modules ``web`` and ``other``."""
    have_image(engine, IMAGE)
    for name in ("web", "other"):
        folder = tmp_path / "catalog" / name
        folder.mkdir(parents=True)
        file = service_of(name, "command: [sleep, '600']", "init: true")
        (folder / "compose.yaml").write_text(file)
    trust_all(tmp_path / "home", tmp_path / "catalog")
    begun = []

    def begin(*words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "aiserver_tray", "up", *words]
        command += ["--home", str(tmp_path / "home"), "--catalog", str(tmp_path / "catalog")]
        begun.append(
            subprocess.Popen(
                [*command, "--host", lab.host],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@contextmanager
def holder(
    lab: Place, environment: dict[str, str], module: str, home: Path
) -> "Iterator[subprocess.Popen[str]]":
    """Another process of the installation at *home* that works on *module*."""
    with closing(Engine(lab.host)) as product:
        engine_id = product.info().id
    installation = [Settings(Home(home, "home")).installation_id, str(home)]
    words = [engine_id, "aiserver-tray down web", *installation, module]
    command = [sys.executable, lock_holder.__file__, *words]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_no_wait_on_a_busy_module_fails_at_once_and_names_the_holder(
    lab: Place, engine: docker.DockerClient, up: Up, environment: dict[str, str], tmp_path: Path
) -> None:
    with holder(lab, environment, "web", tmp_path / "home") as other:
        process = up("web", "--no-wait")
        _, told = process.communicate(timeout=LIMIT)
    assert process.returncode == 1
    assert "E_BUSY" in told
    assert (
        f"web is locked by another operation: aiserver-tray down web (process {other.pid})." in told
    )
    assert "Traceback" not in told
    assert engine.containers.list(all=True) == []


def test_waiting_command_names_the_holder_and_goes_on_when_that_is_killed(
    lab: Place, engine: docker.DockerClient, up: Up, environment: dict[str, str], tmp_path: Path
) -> None:
    with holder(lab, environment, "web", tmp_path / "home") as other:
        process = up("web")
        assert process.stderr
        lines = iter(process.stderr.readline, "")
        assert any(f"process {other.pid}" in line for line in lines)
        assert engine.containers.list(all=True) == []
        other.kill()
        process.communicate(timeout=LIMIT)
    assert process.returncode == 0
    assert [found.name for found in engine.containers.list()] == ["ai-web"]


def test_operation_on_an_unrelated_module_does_not_wait(
    lab: Place, engine: docker.DockerClient, up: Up, environment: dict[str, str], tmp_path: Path
) -> None:
    with holder(lab, environment, "web", tmp_path / "home"):
        process = up("other", "--no-wait")
        process.communicate(timeout=LIMIT)
    assert process.returncode == 0
    assert [found.name for found in engine.containers.list()] == ["ai-other"]


def test_another_installation_holds_the_locks_and_its_work_is_not_ours(
    here: Installation, lab: Place, tmp_path: Path
) -> None:
    here.write("web", {"web": idle()})
    theirs = tmp_path / "theirs"
    with holder(lab, dict(os.environ), "web", theirs) as other:
        states = {module["name"]: module["state"] for module in here.cli.status()["modules"]}
        assert states["web"] == "stopped"
        assert words(here.cli.run("status").errors) == (
            f"Another installation with the home folder {theirs} is working on web: "
            f"aiserver-tray down web (process {other.pid})."
        )
        refused = here.cli.run("up", "web", "--no-wait").failed("E_BUSY").errors
        assert f"home folder {theirs}: aiserver-tray down web (process {other.pid})" in refused
        with here.cli.started("up", "web") as waiting:
            assert waiting.process.stderr
            assert f"with the home folder {theirs}" in waiting.process.stderr.readline()
            other.kill()
            waiting.wait().succeeded()


def test_two_ups_at_once_create_the_module_once(engine: docker.DockerClient, up: Up) -> None:
    both = [up("web"), up("web")]
    for process in both:
        process.communicate(timeout=LIMIT)
    assert [process.returncode for process in both] == [0, 0]
    (found,) = engine.containers.list(all=True)
    assert (found.name, found.status) == ("ai-web", "running")


def test_module_that_another_process_stops_is_stopping_and_its_basic_is_not(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("base", {"base": idle()}, kind="basic")
    # It is stopping until the test says so.
    end = "trap 'until [ -e /may-end ]; do sleep 0.1; done; exit 0' TERM"
    slow = script(f"{end}; while :; do sleep 60 & wait $!; done", stop_grace_period="60s")
    here.write("web", {"web": slow}, requires=["base"])
    here.done("up", "web")
    with here.cli.started("stop", "web") as stop:
        states = eventually(lambda: stopping(here), "a module that is stopping")
        said(engine, "ai-web", "touch", "/may-end")
        stop.wait().succeeded()
    assert (states["web"], states["base"]) == ("stopping", "running")


def words(output: str) -> str:
    """*output* without its line breaks."""
    return " ".join(output.split())


def stopping(here: Installation) -> dict[str, str]:
    """The state of each module, where one is stopping."""
    states = {module["name"]: module["state"] for module in here.cli.status()["modules"]}
    return states if "stopping" in states.values() else {}
