"""A day with the tray: its icon, its menu, and how it comes and goes."""

import shutil
import subprocess
import time
from functools import partial

import docker
import pytest

from tests.desktop.shop import SERVICES, write_shop
from tests.support.desktop.applet import (
    ENGINE_DOWN,
    RUNNING,
    STARTING,
    STOPPED,
    STOPPING,
    USERS,
    Applet,
)
from tests.support.installation import checked, gated
from tests.support.limits import LIMIT
from tests.support.observed import open_gate
from tests.support.visitor import Visitor
from tests.support.waiting import eventually


@pytest.mark.smoke
def test_start_all_and_stop_all_show_on_the_icon(
    applet: Applet, engine: docker.DockerClient
) -> None:
    write_shop(applet.installation, gated)
    applet.start()
    applet.shows(STOPPED)
    assert not applet.item.offers("Stop all")
    applet.item.click("Start all")
    for number, service in enumerate(SERVICES):
        eventually(partial(has_grown, applet, number + 1), f"ring that shows {number} of them")
        eventually(partial(opened, engine, f"ai-shop-{service}"), f"container of {service}")
    applet.shows(RUNNING)
    seen = [one.look for one in applet.shown()]
    parts = [look.part for look in seen if str(look) == STARTING]
    assert parts == sorted(parts), "the ring grows"
    assert len(set(parts)) >= 3
    assert parts[0] < 0.3
    assert {look.badge for look in seen} == {"grey", "amber", "green"}
    assert {look.mark for look in seen} == {"grey", "indigo"}
    assert ENGINE_DOWN not in map(str, seen), "the engine runs"
    tooltips = [one.tooltip for one in applet.shown() if str(one.look) == STARTING]
    assert any(one.startswith("AI-Server Tray – Starting Shop") for one in tooltips)
    assert applet.item.entry("Modules", "Shop").label == "● Shop – running"
    began = time.monotonic()
    applet.item.click("Stop all")
    applet.shows(STOPPED)
    assert STOPPING in [str(one.look) for one in applet.shown(began)]
    applet.quit()


def opened(engine: docker.DockerClient, container: str) -> bool:
    """Open the gate of *container*, which may not run yet."""
    open_gate(engine, container)
    return True


def has_grown(applet: Applet, times: int) -> bool:
    """Whether the shell saw the ring of a start in at least so many lengths."""
    shown = (one.look for one in applet.shown())
    return len({look.part for look in shown if str(look) == STARTING}) >= times


def test_menu_follows_the_state_of_its_module(applet: Applet) -> None:
    applet.installation.write("wiki", {"wiki": checked("true")})
    applet.start()
    eventually(lambda: applet.item.offers("Modules", "Shop", "Start"), "the module")
    names = [entry.name for entry in applet.item.menu()]
    assert names[1:] == [
        "Open dashboard",
        "Start all",
        "Stop all",
        "Modules",
        "Start at login",
        "Back up now",
        "Settings",
        "Quit",
    ]
    offered = [
        entry.name for entry in applet.item.entry("Modules", "Shop").children if entry.enabled
    ]
    assert offered == ["Start"]
    applet.item.click("Modules", "Shop", "Start")
    applet.shows(RUNNING)
    eventually(lambda: applet.item.offers("Modules", "Shop", "Stop"), "an end of the operation")
    offered = [
        entry.name for entry in applet.item.entry("Modules", "Shop").children if entry.enabled
    ]
    assert offered == ["Stop", "Restart", "Logs"]
    assert not applet.item.offers("Start all")
    applet.cli("choose", "wiki")
    eventually(lambda: applet.item.offers("Start all"), "something to start")
    applet.item.click("Quit", "Quit and stop everything")
    applet.ends()


def test_it_speaks_chinese(applet: Applet) -> None:
    applet.desktop.environment["LANG"] = "zh_CN.UTF-8"
    applet.start()
    eventually(lambda: applet.item.offers("模块", "商店", "启动"), "the module")
    assert applet.item.offers("全部启动")
    assert "已停止" in applet.item.tooltip
    applet.item.click("退出", "退出，保持所有服务运行")
    applet.ends()


def test_start_at_login_is_switched_by_the_menu_and_a_logout_ends_the_tray(applet: Applet) -> None:
    folder = applet.desktop.path("XDG_CONFIG_HOME") / "autostart"
    applet.start()
    eventually(lambda: applet.item.entry("Start at login").checked is False, "the switch, off")
    applet.item.click("Start at login")
    (entry,) = eventually(lambda: list(folder.glob("*.desktop")), "an entry")
    assert str(applet.installation.home) in entry.read_text(encoding="utf-8")
    eventually(lambda: applet.item.entry("Start at login").checked, "the switch, on")
    applet.item.click("Start at login")
    eventually(lambda: not list(folder.iterdir()), "its end")
    eventually(lambda: applet.item.entry("Start at login").checked is False, "the switch, off")
    applet.process.terminate()  # as the system does at a logout
    applet.ends()


def test_changes_of_catalog_and_settings_show_by_themselves(applet: Applet) -> None:
    applet.start()
    eventually(lambda: applet.item.offers("Modules", "Shop", "Start"), "the menu")
    applet.installation.write("wiki", {"wiki": checked("true")})
    eventually(lambda: applet.item.offers("Modules", "wiki", "Start"), "a new module")
    applet.installation.write("wiki", {"wiki": checked("true")}, title="Encyclopedia")
    eventually(lambda: applet.item.offers("Modules", "Encyclopedia", "Start"), "its title")
    applet.item.click("Modules", "Encyclopedia", "Start")
    applet.shows(RUNNING)
    applet.item.click("Modules", "Encyclopedia", "Stop")
    applet.shows(STOPPED)
    shutil.rmtree(applet.installation.catalog / "wiki")
    applet.cli("down", "wiki")
    eventually(lambda: not applet.item.offers("Modules", "Encyclopedia"), "its end")
    # A command that has nothing to do with the tray.
    applet.cli("--host", "unix:///elsewhere.sock", "config", "set", "app.language", "zh")
    eventually(lambda: applet.item.offers("模块", "商店", "启动"), "the menu in Chinese")
    applet.cli("config", "unset", "app.language")
    applet.quit()


def test_a_killed_tray_blocks_nothing_and_the_next_finds_the_truth(applet: Applet) -> None:
    applet.start()
    applet.cli("up", "shop")
    applet.shows(RUNNING)
    applet.kill()
    eventually(lambda: applet.desktop.told("item-gone"), "end of the icon")
    assert applet.status()["state"] == "running"
    applet.start()
    applet.shows(RUNNING)
    applet.quit()
    assert applet.status()["state"] == "running"


def test_it_takes_the_core_from_serve_which_goes_on_with_its_pages(applet: Applet) -> None:
    command = [*USERS, *applet.installation.cli.options, "serve"]
    env = applet.desktop.environment
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as serve:
        try:
            assert serve.stdout
            visitor = Visitor(serve.stdout.readline().strip())
            visitor.enter()
            assert owner(visitor) == "serve"
            applet.start()
            eventually(lambda: owner(visitor) == "tray", "the tray")
            applet.item.click("Start all")
            applet.shows(RUNNING)
            applet.cli("quit")
            assert applet.process.wait(LIMIT) == 0
            eventually(lambda: owner(visitor) == "serve", "the old owner")
        finally:
            serve.terminate()
    assert serve.returncode == 0


def owner(visitor: Visitor) -> str:
    """The process that owns the core of *visitor*'s page."""
    about = visitor.invoke({"channel": "ai/app/about"}).json["data"]
    return str(about["owner"])
