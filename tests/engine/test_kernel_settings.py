"""Kernel settings that modules need, on a real engine.

The lab's engine runs on this machine's own kernel, so what is set here holds for the whole
machine: every test puts it back. The need is one more than what was found, and nothing is ever
lower than that.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import docker
import pytest

from aiserver_tray.engine import engine as engine_module
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.doctor.channels import examine
from aiserver_tray.operations.kernel import raise_setting
from aiserver_tray.operations.plan import up
from aiserver_tray.operations.request import Request
from aiserver_tray.spec import kernel as kernel_target
from aiserver_tray.spec.labels import ONE_SHOT
from aiserver_tray.spec.model import ImageTarget
from tests.engine.kernel_setting import FILE, NAME, Setting, setting
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support import host_process
from tests.support.command_line import CommandLine
from tests.support.installation import IMAGE, Installation, checked, ended, idle
from tests.support.observed import events, names
from tests.support.owning import PEER, owned
from tests.support.terminal import terminal

__all__ = ["setting"]

ALLOW = "app.kernel_settings"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the product take the engine's kernel for another machine's. The seam is the release of
    this machine's kernel, which it compares with what the engine says."""
    monkeypatch.setattr(engine_module, "kernel_release", lambda: "of another machine")


def write(here: Installation, setting: Setting, needs: Mapping[str, int] | None = None) -> None:
    """The module ``search``, healthy only where the kernel was as it needs when it started."""
    service = checked(f"test $(cat /tmp/found) -ge {setting.need}", stop_signal="SIGKILL")
    command = f"cat {FILE} > /tmp/found; exec sleep 86400"
    service |= {"command": ["sh", "-c", command], "restart": "unless-stopped"}
    sysctls = needs or {NAME: setting.need}
    here.write("search", {"search": service}, kind="basic", needs={"sysctls": sysctls})


def one_shots(client: docker.DockerClient) -> list[str]:
    found = client.containers.list(all=True, filters={"label": ONE_SHOT}, ignore_removed=True)
    return [container.name for container in found]


def made_since(client: docker.DockerClient, begun: float) -> int:
    """How many containers for one command were made."""
    told = events(client, begun, time.time(), event=["create"], label=[ONE_SHOT])
    return len(told)


def resources(here: Installation) -> dict[str, str]:
    """What the doctor says of what ``search`` needs, by grade."""
    app = here.app
    app.settings.choose(["search"])
    return {f.grade: str(f.text) for f in examine(app) if f.name == "resources"}


# -- without the user's yes ------------------------------------------------------------------------


def test_kernel_setting_without_consent_is_refused_and_not_changed(
    here: Installation, engine: docker.DockerClient, setting: Setting
) -> None:
    write(here, setting)
    begun = time.time()
    error = here.failed("up", "search")
    assert error.code == "E_RESOURCES"
    assert f"config set {ALLOW} true" in str(error)
    assert f"sudo sysctl -w {NAME}={setting.need}" in str(error)
    (remedy,) = error.data["remedies"]
    assert (remedy["kind"], remedy["setting"], remedy["value"]) == ("set", ALLOW, "true")
    assert f"config set {ALLOW} true" in resources(here)["problem"]
    assert setting.value == setting.found
    assert names(engine) == set()
    assert made_since(engine, begun) == 0


def test_unlisted_kernel_setting_is_refused_even_with_consent(
    here: Installation, engine: docker.DockerClient, setting: Setting
) -> None:
    file = Path("/proc/sys/kernel/pid_max")
    value = int(file.read_text())
    write(here, setting, {"kernel.pid_max": value + 1})
    here.set(ALLOW, "true")
    begun = time.time()
    error = here.failed("up", "search")
    assert str(error).endswith(
        f"it is {value}. To set it yourself, run: sudo sysctl -w kernel.pid_max={value + 1}"
    )
    assert "remedies" not in error.data
    assert int(file.read_text()) == value
    assert made_since(engine, begun) == 0


@pytest.mark.parametrize("host", [nullcontext, host_process.hosted], ids=["alone", "hosted"])
def test_up_on_a_terminal_asks_for_consent_and_keeps_the_answer(
    here: Installation,
    engine: docker.DockerClient,
    setting: Setting,
    host: Callable[[CommandLine], AbstractContextManager[object]],
) -> None:
    write(here, setting)
    options = ["--home", str(here.home), "--catalog", str(here.catalog), "--host", here.host]
    with host(here.cli):
        with terminal("up", "search", *options) as asked:
            asked.wait_for("Allow this and continue? [y/N]: ")
            assert f"{NAME}={setting.need} in the kernel" in " ".join(asked.text.split())
            assert "privileged" in asked.text
            asked.type("\n")
            assert asked.end() == 1
        assert setting.value == setting.found
        assert names(engine) == set()
        with terminal("up", "search", *options) as asked:
            asked.wait_for("Allow this and continue? [y/N]: ")
            asked.type("y\n")
            assert asked.end() == 0, asked.text
    assert setting.value == setting.need
    assert here.cli.run("config", "get", ALLOW).output == "true\n"


# -- with it ---------------------------------------------------------------------------------------


def test_kernel_setting_with_consent_is_set_before_the_container_starts(
    here: Installation, engine: docker.DockerClient, setting: Setting
) -> None:
    write(here, setting)
    here.set(ALLOW, "true")
    assert "next start of search sets it" in resources(here)["note"]
    shown = here.cli.run("up", "search", "--dry-run", "--json").output
    by_id = {step["id"]: step for step in json.loads(shown)}
    assert setting.step in by_id["start ai-search"]["needs"]
    assert setting.value == setting.found, "a plan changes nothing"
    done = here.done("up", "search")
    assert done.index(setting.step) < done.index("start ai-search")
    assert setting.value == setting.need
    assert one_shots(engine) == []
    assert here.done("up", "search") == []
    assert "ok" in resources(here)


def test_a_higher_value_is_never_lowered(here: Installation, setting: Setting) -> None:
    write(here, setting)
    here.set(ALLOW, "true")
    with here.core() as core:
        plan = core.operations.plan(Request("up", ("search",)))
        fix = next(step.target for step in plan if step.id == setting.step)
        FILE.write_text(str(setting.need + 7))
        assert isinstance(fix, kernel_target.KernelSetting)
        raise_setting(core.engine, fix, Cancellation())
    assert setting.value == setting.need + 7


def test_kernel_setting_is_set_again_after_an_engine_restart(
    here: Installation, lab: Place, setting: Setting
) -> None:
    write(here, setting)
    here.set(ALLOW, "true")
    with owned(here) as (owner, modules):
        modules.wait_for(search="stopped")
        up = {"kind": "up", "modules": ["search"], "untilEnd": True}
        assert owner.api.invoke("ai/operation/start", up, PEER)["success"]
        modules.wait_for(search="running")
        lab_engine.kill(lab)
        modules.wait_for(search="engine_down")
        setting.put_back()
        lifecycle.up(lab)
        modules.wait_for(search="running")
    assert setting.value == setting.need


def test_next_operation_removes_the_helper_of_a_killed_process(
    here: Installation, engine: docker.DockerClient, setting: Setting
) -> None:
    write(here, setting)
    here.set(ALLOW, "true")
    stream = engine.events(decode=True, filters={"event": "create", "label": ONE_SHOT})
    with here.cli.started("up", "search") as running:
        next(stream)
        running.kill()
    stream.close()
    assert len(one_shots(engine)) == 1
    setting.put_back()
    here.cli.run("up", "search").succeeded()
    assert one_shots(engine) == []
    assert setting.value == setting.need


# -- of another machine's kernel -------------------------------------------------------------------


@pytest.mark.usefixtures("elsewhere")
def test_the_kernel_of_another_machine_is_read_by_a_container(
    here: Installation, engine: docker.DockerClient, setting: Setting
) -> None:
    write(here, setting)
    engine.images.remove(IMAGE)
    error = here.failed("up", "search")
    assert error.data["available"] == setting.found
    assert f"kernelCommandLine = sysctl.{NAME}={setting.need}" in str(error)
    assert one_shots(engine) == []
    assert names(engine) == set()


@pytest.mark.usefixtures("elsewhere")
def test_sufficient_kernel_setting_is_not_read_again_while_the_engine_runs(
    here: Installation, engine: docker.DockerClient, setting: Setting
) -> None:
    here.write("search", {"search": idle()}, needs={"sysctls": {NAME: setting.found}})
    begun = time.time()
    with here.core() as core:
        for kind in ("up", "restart"):
            view = ended(core.operations.start(Request(kind, ("search",))))
            assert view.status == "succeeded", view.error
    assert made_since(engine, begun) == 1
    assert one_shots(engine) == []


@pytest.mark.usefixtures("elsewhere")
def test_unreadable_kernel_setting_is_reported_and_blocks_nothing(
    here: Installation, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = ImageTarget("127.0.0.1:9/busybox:1")
    monkeypatch.setattr(kernel_target, "HELPER", nowhere)
    monkeypatch.setattr(up, "HELPER", nowhere)
    here.write("search", {"search": idle()}, needs={"sysctls": {NAME: setting.need}})
    view = here.run("up", "search")
    assert view.status == "succeeded", view.error
    (notice,) = view.notices
    assert f"({NAME}={setting.need})" in str(notice)
    assert "127.0.0.1:9/busybox:1" in str(notice)
