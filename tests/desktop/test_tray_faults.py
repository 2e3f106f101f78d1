"""What goes wrong while the tray looks on: it tells, and finds back."""

import os
import shlex
import signal
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import docker

from tests.desktop.relay import Relay
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import VARIABLE, Place
from tests.support.desktop.applet import (
    A_SLEEP,
    ENGINE_DOWN,
    NOTHING_RUNS,
    ROOT,
    RUNNING,
    TROUBLE,
    Applet,
    Shown,
)
from tests.support.desktop.desktop import Desktop
from tests.support.installation import IMAGE, Installation
from tests.support.processes import main_process
from tests.support.waiting import eventually


def running(applet: Applet) -> None:
    """Start, and have the shop run."""
    applet.start()
    applet.cli("up", "shop")
    applet.shows(RUNNING)


def first_red(applet: Applet, since: float, reason: str) -> Shown | None:
    """The first that the icon showed in red since then, with a tooltip that has the *reason*: the
    desktop hears of the two one after the other."""
    shown = (one for one in applet.shown(since) if reason in one.tooltip)
    return next((one for one in shown if one.look.colour == "red"), None)


def test_a_killed_service_shows_at_once_and_heals(
    applet: Applet, engine: docker.DockerClient
) -> None:
    running(applet)
    applet.outlast_quiet()
    assert applet.notifications() == []
    victim = main_process(engine.containers.get("ai-shop-web"))
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    red = eventually(lambda: first_red(applet, killed, "Shop: web: "), "red icon with the reason")
    assert red.at - killed < 1
    applet.shows(RUNNING)
    eventually(lambda: len(applet.notifications()) > 1, "second notification")
    failed, healed = applet.notifications()
    assert "Shop" in failed
    assert "web: " in failed
    assert healed == "Shop runs again: It recovered by itself."
    applet.quit()
    assert len(applet.notifications()) == 2


def test_what_was_ended_by_hand_stays_red_until_it_is_started(
    applet: Applet, engine: docker.DockerClient
) -> None:
    running(applet)
    engine.containers.get("ai-shop-api").kill()
    applet.shows(TROUBLE)
    eventually(lambda: "api: ended with exit code 137" in applet.item.tooltip, "the reason")
    engine.containers.get("ai-shop-api").remove()
    reason = "api: has no container, though it should run"
    eventually(lambda: reason in applet.item.tooltip, "the other reason")
    assert applet.item.entry("Shop").children[0].label == reason
    assert applet.status()["modules"][-1]["reason"] == reason
    applet.shows(TROUBLE)
    applet.item.click("Shop", "Start")
    applet.shows(RUNNING)
    applet.quit()


def test_the_engine_goes_and_comes_back_with_everything(applet: Applet, lab: Place) -> None:
    running(applet)
    applet.outlast_quiet()
    lab_engine.kill(lab)
    applet.shows(ENGINE_DOWN)
    offered = [entry.name for entry in applet.item.menu() if entry.enabled]
    # The lab's engine is none that this machine's system starts.
    assert offered == ["Open dashboard", "Start at login", "Settings", "Quit"]
    lifecycle.up(lab)
    applet.shows(RUNNING)
    applet.item.click("Stop all")
    applet.quit()
    gone, back = applet.notifications()[:2]
    assert gone.startswith("The Docker engine is gone: ")
    assert back.startswith("The Docker engine is back: ")


def test_what_keeps_a_module_from_coming_back_is_told_once(
    applet: Applet, engine: docker.DockerClient
) -> None:
    with applet.installation.app.settings.update_engine(engine.info()["ID"]) as state:
        state.desired = ["shop"]
    engine.containers.create(IMAGE, name="ai-shop-web")
    applet.start()
    told = eventually(applet.notifications, "notification")
    assert told[0].startswith(
        "Not everything could be started: There is a container ai-shop-web that was not made"
    )
    applet.shows(NOTHING_RUNS)
    applet.outlast_quiet()
    applet.quit()
    assert applet.notifications() == told


def test_after_a_sleep_it_sees_what_it_was_not_told(
    screen: Desktop, shop: Installation, lab: Place, engine: docker.DockerClient
) -> None:
    """A process that is stopped for a while looks like a machine that slept."""
    line = screen.folder / "engine.sock"
    far = replace(shop, host=f"unix://{line}")
    with Relay(line, lab.socket) as relay, closing(Applet(screen, far)) as applet:
        running(applet)
        applet.process.suspend()
        relay.fall_silent()
        engine.containers.get("ai-shop-web").remove(force=True)
        time.sleep(A_SLEEP)
        applet.process.resume()
        applet.shows(TROUBLE)
        applet.cli("up", "shop")
        applet.shows(RUNNING)
        applet.quit()


def test_the_engine_is_started_by_the_menu(applet: Applet, lab: Place) -> None:
    lab_is_the_systems(applet.desktop, lab)
    running(applet)
    lab_engine.kill(lab)
    applet.shows(ENGINE_DOWN)
    applet.item.click("Start engine")
    applet.shows(RUNNING)
    assert not applet.item.offers("Start engine")
    applet.item.click("Stop all")
    applet.quit()


def test_a_start_of_the_engine_is_told_while_it_takes_long_and_not_offered_again(
    screen: Desktop, shop: Installation, tmp_path: Path
) -> None:
    """None of the lab's: there is no engine, and never will be."""
    starts, may_end = tmp_path / "starts", tmp_path / "may-end"
    command = f"echo one >> {starts}; until [ -e {may_end} ]; do sleep 0.1; done; exit 1"
    systemctl_starts(screen, command)
    nowhere = f"unix://{screen.path('XDG_RUNTIME_DIR')}/docker.sock"
    with closing(Applet(screen, replace(shop, host=nowhere))) as applet:
        applet.start()
        applet.item.click("Start engine")
        eventually(lambda: "Starting the engine…" in applet.item.tooltip, "word of the start")
        assert not applet.item.offers("Start engine")
        may_end.touch()
        eventually(lambda: applet.item.offers("Start engine"), "another try")
        assert "Engine down" in applet.item.tooltip
        assert starts.read_text(encoding="utf-8").split() == ["one"]
        applet.quit()


def lab_is_the_systems(desktop: Desktop, lab: Place) -> None:
    """Make the lab's engine the user's own one, and a fake systemctl, since containers have no
    systemd, what starts it."""
    (desktop.path("XDG_RUNTIME_DIR") / "docker.sock").symlink_to(lab.socket)
    variables = [f"{name}={os.environ[name]}" for name in ("HOME", "PATH")]
    start = ["env", "-i", *variables, f"{VARIABLE}={lab.state}", sys.executable, "-m", "tests.lab"]
    systemctl_starts(desktop, f"exec {shlex.join(start)} up")


def systemctl_starts(desktop: Desktop, command: str) -> None:
    """Let a fake systemctl have a unit of the user's own engine, which *command* starts."""
    home, programs = desktop.folder / "home", desktop.folder / "bin"
    unit = home / ".config/systemd/user/docker.service"
    for folder in (unit.parent, programs):
        folder.mkdir(parents=True)
    unit.touch()
    systemctl = programs / "systemctl"
    systemctl.write_text(
        "#!/bin/sh\n"
        f"cd {shlex.quote(str(ROOT))}\n"
        'case " $* " in\n'
        '*" show "*) echo loaded ;;\n'
        f'*" start "*) {command} ;;\n'
        "esac\n"
    )
    systemctl.chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    desktop.environment.update(HOME=str(home), PATH=path)
