"""What goes wrong while the tray looks on: it tells, and finds back."""

import os
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import docker
import pytest

from tests.desktop.shop import write_shop
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.support.desktop import window
from tests.support.desktop.applet import (
    ENGINE_DOWN,
    NOTHING_RUNS,
    ROOT,
    RUNNING,
    STARTING,
    TROUBLE,
    Applet,
)
from tests.support.desktop.desktop import Desktop
from tests.support.desktop.hurried import in_a_hurry
from tests.support.installation import IMAGE, Installation, checked
from tests.support.processes import main_process
from tests.support.relay import Relay
from tests.support.waiting import eventually


@pytest.fixture
def outspoken(screen: Desktop, shop: Installation) -> Iterator[Applet]:
    """The applet, not yet started, which soon tells what happens."""
    with closing(Applet(screen, shop, in_a_hurry("quiet"))) as found:
        yield found


def running(applet: Applet) -> None:
    """Start, and have the shop run."""
    applet.start()
    applet.cli("up", "shop")
    applet.shows(RUNNING)


def is_told(applet: Applet, since: float, words: str) -> bool:
    """Whether the icon showed a start since then, with a tooltip that has the *words*: the desktop
    hears of the two one after the other."""
    shown = (one for one in applet.shown(since) if words in one.tooltip)
    return any(str(one.look) == STARTING for one in shown)


def test_a_killed_service_comes_back_without_an_alarm(
    outspoken: Applet, engine: docker.DockerClient
) -> None:
    applet = outspoken
    write_shop(applet.installation, partial(checked, "test ! -e /tmp/ill"))
    running(applet)
    applet.outlast_quiet()
    assert applet.notifications() == []
    web = engine.containers.get("ai-shop-web")
    web.exec_run(["touch", "/tmp/ill"])  # else it may be back before anybody sees that it is not
    killed = time.monotonic()
    os.kill(main_process(web), signal.SIGKILL)
    eventually(lambda: is_told(applet, killed, "Shop is coming back"), "icon with its words")
    eventually(lambda: web.exec_run(["rm", "/tmp/ill"]).exit_code == 0, "its recovery")
    applet.shows(RUNNING)
    assert {str(one.look) for one in applet.shown(killed)} == {RUNNING, STARTING}
    applet.quit()
    assert applet.notifications() == []


def test_a_click_on_a_notification_opens_the_page_that_it_is_about(
    outspoken: Applet, engine: docker.DockerClient
) -> None:
    applet, place = outspoken, outspoken.desktop.folder / "probe"
    applet.desktop.environment.update(window.probed(place))
    running(applet)
    applet.outlast_quiet()
    engine.containers.get("ai-shop-web").kill()
    (told,) = eventually(lambda: applet.desktop.told("notification"), "notification")
    assert told["actions"] == ["default", "Show", "0", "Mute for 1 hour"]
    applet.desktop.shell.choose(told["id"], "default")
    window.says(place, "Shop")
    address = "#modules/shop/logs?service=web&at="
    eventually(lambda: window.ask(place, js="location.hash").startswith(address), "the page")
    applet.quit()


def test_service_stopped_by_hand_shows_until_it_is_started(
    applet: Applet, engine: docker.DockerClient
) -> None:
    running(applet)
    engine.containers.get("ai-shop-api").kill()
    applet.shows(TROUBLE)
    eventually(
        lambda: (
            "Shop is only partly running – killed from outside by signal 9" in applet.item.tooltip
        ),
        "the reason",
    )
    engine.containers.get("ai-shop-api").remove()
    told = "Shop is only partly running – should be running, but has no container"
    eventually(lambda: told in applet.item.tooltip, "the other reason")
    reason = "api: should be running, but has no container"
    assert applet.item.entry("Modules", "Shop").children[0].label == reason
    assert applet.status()["modules"][-1]["reason"] == reason
    applet.shows(TROUBLE)
    applet.item.click("Modules", "Shop", "Start")
    applet.shows(RUNNING)
    applet.quit()


def test_tray_shows_a_lost_engine_and_its_return(outspoken: Applet, lab: Place) -> None:
    applet = outspoken
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
    assert gone.startswith("Docker is off: ")
    assert back.startswith("Docker runs again: ")


def test_blocked_restart_of_a_module_is_reported_once(
    outspoken: Applet, engine: docker.DockerClient
) -> None:
    applet = outspoken
    with applet.installation.app.settings.engines.update(engine.info()["ID"]) as state:
        state.desired = ["shop"]
    engine.containers.create(IMAGE, name="ai-shop-web")
    applet.start()
    told = eventually(applet.notifications, "notification")
    assert told[0].startswith(
        "Some modules couldn't start: The container ai-shop-web already exists"
    )
    applet.shows(NOTHING_RUNS)
    applet.outlast_quiet()
    applet.quit()
    assert applet.notifications() == told


def test_tray_sees_missed_changes_after_a_sleep(
    screen: Desktop, shop: Installation, lab: Place, engine: docker.DockerClient
) -> None:
    """A process that is stopped for a while looks like a machine that slept."""
    line = screen.folder / "engine.sock"
    far = replace(shop, host=f"unix://{line}")
    sleeper = Applet(screen, far, in_a_hurry("sleep"))
    with Relay(line, lab.socket) as relay, closing(sleeper) as applet:
        running(applet)
        with applet.asleep():
            relay.fall_silent()
            engine.containers.get("ai-shop-web").remove(force=True)
        applet.shows(TROUBLE)
        applet.cli("up", "shop")
        applet.shows(RUNNING)
        applet.quit()


def test_the_engine_is_started_by_the_menu(applet: Applet, lab: Place, tmp_path: Path) -> None:
    # The lab's engine is the user's own one. It ends with who started it, so the test does that.
    (applet.desktop.path("XDG_RUNTIME_DIR") / "docker.sock").symlink_to(lab.socket)
    asked, is_up = tmp_path / "asked", tmp_path / "is-up"
    systemctl_starts(applet.desktop, f"touch {asked}; until [ -e {is_up} ]; do sleep 0.1; done")
    running(applet)
    lab_engine.kill(lab)
    applet.shows(ENGINE_DOWN)
    applet.item.click("Start Docker")
    eventually(asked.exists, "the start")
    lifecycle.up(lab)
    is_up.touch()
    applet.shows(RUNNING)
    assert not applet.item.offers("Start Docker")
    applet.item.click("Stop all")
    applet.quit()


def test_slow_engine_start_is_shown_and_not_offered_again(
    screen: Desktop, shop: Installation, tmp_path: Path
) -> None:
    """None of the lab's: there is no engine, and never will be."""
    starts, may_end = tmp_path / "starts", tmp_path / "may-end"
    command = f"echo one >> {starts}; until [ -e {may_end} ]; do sleep 0.1; done; exit 1"
    systemctl_starts(screen, command)
    nowhere = f"unix://{screen.path('XDG_RUNTIME_DIR')}/docker.sock"
    with closing(Applet(screen, replace(shop, host=nowhere))) as applet:
        applet.start()
        applet.item.click("Start Docker")
        eventually(lambda: "Starting Docker…" in applet.item.tooltip, "word of the start")
        assert not applet.item.offers("Start Docker")
        may_end.touch()
        eventually(lambda: applet.item.offers("Start Docker"), "another try")
        assert "Docker is off" in applet.item.tooltip
        assert starts.read_text(encoding="utf-8").split() == ["one"]
        applet.quit()


def systemctl_starts(desktop: Desktop, command: str) -> None:
    """Let a fake systemctl, since containers have no systemd, have a unit of the user's own engine,
    which *command* starts."""
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
