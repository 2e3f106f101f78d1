"""Actions of modules in the page, in a real browser and on a real engine."""

import docker
import pytest
from selenium.webdriver import Keys

from aiserver_tray.protocol.message import Json
from tests.support.installation import Installation, idle
from tests.support.waiting import eventually
from tests.ui.barriers import dress, overflowing, tree, unnamed, violations
from tests.ui.dashboard import Dashboard, dashboard
from tests.ui.home import HomePage

__all__ = ["dashboard"]

OPEN = "dialog.action[open]"
MORE = ".mh .button[aria-label^=More], .mh .button[aria-label*=更多]"
SECRET = "typed-s3cret"
ACTIONS = {
    "greet": {
        "title": {"en": "Greet", "zh": "问候"},
        "service": "box",
        "command": ["sh", "-c", 'echo "hello $$NAME, $$WORD"; sleep 600'],
        "confirm": {"en": "It greets everybody.", "zh": "它会问候所有人。"},
        "output": {"en": "A greeting", "zh": "问候语"},
        "inputs": {
            "NAME": {"title": {"en": "Your name", "zh": "你的名字"}, "pattern": "[a-z]+"},
            "WORD": {"type": "secret", "title": {"en": "Password", "zh": "密码"}},
        },
    },
    "fail": {"title": "Fail", "service": "box", "command": ["sh", "-c", "echo alas; exit 7"]},
}


def barriers(page: HomePage) -> list[str]:
    found = [*violations(page), *unnamed(tree(page)), *overflowing(page)]
    page.complaints()  # the policy forbids styles of axe-core
    return found


def choose(page: HomePage, name: str) -> None:
    """Choose an action in the menu, by the keyboard alone."""
    page.press(Keys.ESCAPE)
    page.script("document.activeElement.blur()")
    page.tab_to("More about Box")
    page.press(Keys.ENTER)

    def place() -> list[int]:
        """The actions come when the page has asked for them; in a list, as the first is 0."""
        return [[item.text for item in page.all("#menu:popover-open .mi")].index(name)]

    [steps] = page.until(place, f"{name} in the menu")
    page.press(*[Keys.ARROW_DOWN] * steps, Keys.ENTER)


def find(page: HomePage, text: str, found: str) -> None:
    """Run in the palette what is *found* first by *text*."""
    page.chord(Keys.CONTROL, "k")
    page.wait_for("#palette[open]")
    page.press(text)
    page.until(lambda: page.all("#palette .mi")[0].text.startswith(found), found)
    page.press(Keys.ENTER)


def is_possible(page: HomePage, name: str) -> bool:
    """Whether the action *name* can be chosen; it says why not."""
    item = page.item(MORE, name)
    why, is_disabled = item.get_attribute("title"), item.get_attribute("aria-disabled")
    page.press(Keys.ESCAPE)
    assert bool(is_disabled) == ("box/box is not running" in (why or ""))
    return not is_disabled


def greet(page: HomePage) -> None:
    """What is wrong is told, and can be mended; what the command writes is seen while it runs."""
    choose(page, "Greet…")
    page.wait_for_text("It greets everybody.", OPEN)
    page.wait_for_text("Output: A greeting", OPEN)
    page.press("ME", Keys.TAB, SECRET, Keys.ENTER)
    page.wait_for_text("found 'ME'", OPEN)
    page.wait_for(f"{OPEN} #action-NAME").click()
    page.press(Keys.BACKSPACE, Keys.BACKSPACE, "me")
    page.chord(Keys.CONTROL, Keys.ENTER)
    page.wait_for_text("hello me, ********", f"{OPEN} pre")


def cancel_after_reload(page: HomePage) -> None:
    """What the page has not begun itself is seen to run, and to have ended."""
    page.reload()
    choose(page, "Greet…")
    page.wait_for_text("Running…", OPEN)
    page.button("Cancel").click()
    page.wait_for_text("It greets everybody.", OPEN)
    page.press(Keys.ESCAPE)


def test_an_action_is_run_with_the_keyboard_and_cancelled(
    here: Installation, engine: docker.DockerClient, request: pytest.FixtureRequest
) -> None:
    more: Json = {
        "settings": {"KEY": {"type": "secret"}},
        "accounts": [{"title": "Me", "secret": "KEY"}],
    }
    box = idle(stop_signal="SIGKILL")
    here.write("box", {"box": box}, title="Box", actions=ACTIONS, **more)
    here.set("box.KEY", SECRET)
    here.app.settings.welcome()
    board: Dashboard = request.getfixturevalue("dashboard")
    page = board.page()
    page.prefer(reduced_motion="reduce")
    page.go("modules/box")
    assert not is_possible(page, "Greet…")
    page.button("Start").click()
    board.modules.wait_for(box="running")
    page.until(lambda: is_possible(page, "Greet…"), "it runs")

    greet(page)
    assert page.complaints() == []
    page.resize(450, 700)
    for theme in ("light", "dark"):
        dress(page, theme)
        assert barriers(page) == []
    page.resize(1200, 800)
    page.press(Keys.ESCAPE)
    choose(page, "Greet…")
    page.wait_for_text("hello me, ********", f"{OPEN} pre")
    page.button("Cancel").click()
    page.wait_for_text("Cancelled", OPEN)
    eventually(lambda: "sleep 600" not in processes(engine), "nothing is left")
    page.button("Run again").click()
    page.wait_for_text("hello me, ********", f"{OPEN} pre")
    page.press(Keys.ESCAPE)

    find(page, "fail box", "Box: Fail")
    page.button("Run").click()
    page.wait_for_text("exit code 7", OPEN)
    page.wait_for_text("alas", f"{OPEN} pre")
    assert barriers(page) == []
    page.press(Keys.ESCAPE)
    cancel_after_reload(page)
    page.go("activity")
    page.wait_for_text("Box: Greet")
    find(page, "first password box", "Box: Show the first password")
    page.wait_for_text(SECRET, ".accounts")
    here.set("app.language", "zh")
    page.go("modules/box")
    page.item(MORE, "问候…").click()
    page.wait_for_text("它会问候所有人。", OPEN)
    page.wait_for_text("你的名字", OPEN)
    assert barriers(page) == []
    assert SECRET not in here.app.settings.journal.path.read_text()


def processes(engine: docker.DockerClient) -> list[str]:
    return [row[-1] for row in engine.containers.get("ai-box").top()["Processes"]]
