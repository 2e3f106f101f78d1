"""The dashboard as the tray opens it."""

from pathlib import Path

from tests.support.desktop import window
from tests.support.desktop.applet import RUNNING, STOPPED, Applet
from tests.support.desktop.window import probed
from tests.support.installation import checked
from tests.support.limits import LIMIT
from tests.support.visitor import Visitor
from tests.support.waiting import eventually

TITLE = "AI-Server Tray"


def opened(applet: Applet) -> None:
    """Wait for the dashboard's window."""
    eventually(lambda: applet.desktop.windows(TITLE), "the dashboard")


def says(applet: Applet, text: str) -> None:
    """Wait until the dashboard's page holds *text*."""
    window.says(applet.desktop.folder / "probe", text)


def test_the_dashboard_shows_what_the_tray_shows(applet: Applet) -> None:
    applet.desktop.environment.update(probed(applet.desktop.folder / "probe"))
    applet.start()
    applet.item.click("Open dashboard")  # perhaps before there is a core: it is not lost
    opened(applet)
    says(applet, "Nothing is running")
    applet.shows(STOPPED)
    applet.item.click("Start all")
    applet.shows(RUNNING)
    says(applet, "Everything you started is running")
    (dashboard,) = applet.windows("dashboard")
    dashboard.kill()
    eventually(lambda: not applet.desktop.windows(TITLE), "its end")
    assert applet.process.is_running()
    applet.shows(RUNNING)
    eventually(lambda: "crashed" in " ".join(applet.notifications()), "a word of it")
    applet.item.click("Open dashboard")
    opened(applet)
    says(applet, "Everything you started is running")
    applet.item.click("Stop all")
    applet.shows(STOPPED)
    says(applet, "Nothing is running")
    applet.item.click("Settings")
    says(applet, "Registry mirrors")
    applet.cli("open", "logs/shop?level=error")
    says(applet, "Wrap")
    applet.quit()
    eventually(lambda: not applet.desktop.windows(TITLE), "its end")


def test_it_speaks_the_language_that_is_chosen_from_then_on(applet: Applet) -> None:
    applet.desktop.environment.update(probed(applet.desktop.folder / "probe"))
    applet.start()
    applet.item.click("Open dashboard")
    says(applet, "Nothing is running")
    applet.cli("config", "set", "app.language", "zh")
    eventually(lambda: applet.item.offers("模块", "商店", "启动"), "the module in Chinese")
    eventually(lambda: "已停止" in applet.item.tooltip, "the tooltip in Chinese")
    says(applet, "当前没有运行任何模块")
    applet.item.click("全部启动")
    applet.shows(RUNNING)
    eventually(lambda: "已启动: 商店" in applet.notifications(), "a word of it in Chinese")
    applet.cli("config", "unset", "app.language")
    eventually(lambda: applet.item.offers("Modules", "Shop", "Stop"), "the module in English")
    says(applet, "Everything you started is running")
    applet.quit()


def test_second_start_shows_the_dashboard_also_after_a_killed_module_window(applet: Applet) -> None:
    applet.installation.write("wiki", {"wiki": checked("true")}, open="http://127.0.0.1:9/")
    applet.start()
    assert not applet.desktop.windows(TITLE)
    assert applet.launch().wait(LIMIT) == 0
    opened(applet)
    assert applet.launch().wait(LIMIT) == 0
    assert len(applet.windows("dashboard")) == 1
    assert len(applet.desktop.windows(TITLE)) == 1
    assert len(applet.desktop.told("item")) == 1
    applet.cli("up", "wiki")
    applet.item.click("Open wiki")
    (page,) = eventually(lambda: applet.windows("module"), "the module's window")
    page.kill()
    eventually(lambda: "crashed" in " ".join(applet.notifications()), "a word of it")
    assert len(applet.windows("dashboard")) == 1
    applet.item.click("Open wiki")
    eventually(lambda: applet.windows("module"), "another window")
    applet.item.click("Modules", "wiki", "Stop")
    applet.shows(STOPPED)
    applet.quit()


def test_dashboard_opens_in_the_web_browser_without_windows(applet: Applet, tmp_path: Path) -> None:
    broken, asked, browser = (tmp_path / name for name in ("broken", "asked", "browser"))
    broken.mkdir()
    (broken / "webview.py").write_text("raise ImportError('no browser engine')\n")
    browser.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    browser.chmod(0o755)
    applet.desktop.environment.update(PYTHONPATH=str(broken), BROWSER=f"{browser} %s")
    applet.start()
    applet.item.click("Settings")
    address = eventually(lambda: asked.read_text(encoding="utf-8"), "the web browser").strip()
    why = "there is no browser engine"
    eventually(lambda: why in " ".join(applet.notifications()), "a word of it")
    assert address.endswith("#settings")
    visitor = Visitor(address)
    visitor.enter()
    assert visitor.get(visitor.page).status == 200
    applet.item.click("Open dashboard")
    again = eventually(lambda: asked.read_text(encoding="utf-8").splitlines()[1:], "it again")
    assert Visitor(again[0]).place == visitor.place
    assert Visitor(again[0]).token != visitor.token
    applet.shows(STOPPED)
    applet.quit()
