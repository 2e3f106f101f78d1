"""Terminals in services, in a real browser and on a real engine."""

import docker
import pytest
from selenium.webdriver import Keys
from selenium.webdriver.support.select import Select

from aiserver_tray.features.terminal import channels
from tests.support.installation import Installation, idle, script
from tests.support.waiting import eventually
from tests.ui.barriers import dress, overflowing, tree, unnamed, violations
from tests.ui.dashboard import Dashboard, dashboard
from tests.ui.home import HomePage

__all__ = ["dashboard"]

ROWS = ".xterm-rows"
FLOOD = "yes 0123456789abcdef0123456789abcde | head -c 5000000; echo; echo flood-$((1+1))"
COLOURS = r"printf '\033[38;2;250;250;120mlemon\033[0m \033[31mred\033[0m \033[44mblue\033[0m\n'"
WATCH = """
[window.begun, window.longest] = [performance.now(), 0];
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: "longtask" });
"""
FOCUS = f"document.querySelector('{ROWS}').closest('.xterm').querySelector('textarea').focus()"
CUT = """
[window.tries, window.sent, window.isCut] = [0, [], true];
const real = window.fetch;
window.fetch = (address, asked) => {
  const body = String(asked?.body ?? "");
  if (!window.isCut || !body.includes("terminal/input")) {
    window.sent.push(body);
    return real(address, asked);
  }
  window.tries += 1;
  return Promise.reject(new TypeError("cut"));
};
"""
"""What is typed can't be sent. Keeps what is."""
SENT = "return window.sent.filter((one) => one.includes(arguments[0])).length"
FOCUSED = "return document.activeElement.ariaLabel"
MEASURED = "return [window.longest, performance.now() - window.begun]"
"""The milliseconds of the longest task since WATCH, and of all that time."""


def enter(page: HomePage, text: str) -> None:
    """Type *text* in the terminal, with Enter."""
    page.wait_for(f"{ROWS}.xterm-focus")
    page.press(text, Keys.ENTER)


def interrupt(page: HomePage) -> None:
    """Press Ctrl+C. What is typed before the shell is back would go with what it ends."""
    page.chord(Keys.CONTROL, "c")
    page.until(lambda: page.wait_for(ROWS).text.rstrip().endswith("$"), "the prompt")


def size(page: HomePage) -> str:
    """Rows and columns that the page tells, as ``stty`` writes them."""
    text = page.script("return document.querySelector('.termfoot .hide').textContent")
    columns, rows = text.rpartition(" · ")[2].split(" × ")
    return f"{rows} {columns}"


def agrees(page: HomePage) -> bool:
    """Whether the shell has the size that the page tells."""
    enter(page, "clear; stty size")
    return size(page) in page.wait_for(ROWS).text


def processes(engine: docker.DockerClient, container: str) -> list[str]:
    """The commands that run in *container*."""
    return [row[-1] for row in engine.containers.get(container).top()["Processes"]]


def all_of_idle(engine: docker.DockerClient, container: str) -> list[str] | None:
    """The processes of an `idle` service, once they are there."""
    found = processes(engine, container)
    return found if "sleep 86400" in found else None


def barriers(page: HomePage, theme: str) -> list[str]:
    dress(page, theme)
    return [*violations(page), *unnamed(tree(page)), *overflowing(page)]


def write_and_read(page: HomePage) -> None:
    """What is typed and what comes is the same text, in the size of the page."""
    enter(page, "id -un; cat")
    page.wait_for_text("nobody", ROWS)
    page.insert("你好 🎉")
    page.press(Keys.ENTER)
    page.until(lambda: page.wait_for(ROWS).text.count("你好 🎉") == 2, "cat repeats it")
    interrupt(page)
    before = size(page)
    page.until(lambda: agrees(page), "the size")
    page.resize(700, 500)
    page.until(lambda: size(page) != before and agrees(page), "another size")
    page.resize(1200, 800)
    enter(page, f"clear; {COLOURS}; cat")
    page.wait_for_text("lemon red blue", ROWS)
    enter(page, "cherry")
    # Until cat runs, the shell's own copy of itself would lose an interrupt.
    page.until(lambda: page.wait_for(ROWS).text.count("cherry") == 2, "cat repeats it")


def use_keys(page: HomePage) -> None:
    """All go to the shell, but one."""
    page.chord(Keys.CONTROL, "k")  # opens the palette elsewhere
    interrupt(page)
    enter(page, "echo $((40 + 2))")
    page.wait_for_text("42", ROWS)
    assert not page.all("#palette[open]")
    page.press(Keys.F6)
    page.until(lambda: page.script(FOCUSED) == "Back to the services", "F6 leaves it")
    page.script(FOCUS)


def draw_much(page: HomePage) -> None:
    page.script(WATCH)
    enter(page, f"clear; {FLOOD}")
    page.wait_for_text("flood-2", ROWS)
    longest, all_ = page.script(MEASURED)
    assert longest < all_ / 4, "it is drawn in small parts, however slow the machine"


def type_while_cut_off(page: HomePage) -> None:
    """It waits for the next chance, also when repeating it was of no use."""
    page.script(CUT)
    enter(page, "clear; echo kept-$((1 + 1))")
    page.until(lambda: page.script("return window.tries") >= 4, "it is given up")
    page.script("window.isCut = false")
    page.press(Keys.ENTER)
    page.wait_for_text("kept-2", ROWS)


def leave_only_after_a_yes(page: HomePage) -> None:
    """By another page or as another user."""
    page.wait_for(".nav-item[href='#logs']").click()
    page.wait_for_text("End what runs in the terminal?", "#question")
    page.button("Cancel").click()
    assert page.address.endswith("/terminal")
    page.script(FOCUS)
    enter(page, "clear; echo still-$((1 + 1))")
    page.wait_for_text("still-2", ROWS)
    user = Select(page.wait_for("#terminal-user"))
    user.select_by_visible_text("as root")
    page.wait_for_text("End what runs in the terminal?", "#question")
    assert user.first_selected_option.text == "as nobody"
    page.button("End it").click()


def end_with_its_service(page: HomePage, engine: docker.DockerClient) -> None:
    """Its text stays, nothing more is sent, and the owner need not keep it."""
    engine.containers.get("ai-box").restart()
    page.wait_for_text("box stopped or was restarted at", ".termend")
    page.until(lambda: page.script(SENT, "terminal/close"), "the page closes it")
    page.script("window.sent = []")
    page.script(FOCUS)
    page.press("nobody reads this")
    page.wait_for_text("/ #", ROWS)
    assert not page.complaints()
    for theme in ("light", "dark"):
        assert barriers(page, theme) == []
    page.complaints()  # the policy forbids styles of axe-core
    assert not page.script(SENT, "terminal/input")


def test_a_terminal_is_used_from_its_service_to_its_end(
    here: Installation,
    engine: docker.DockerClient,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here.write("box", {"box": idle(user="nobody", stop_signal="SIGKILL")}, title="Box")
    bare = script("rm /bin/sh /bin/ash; exec sleep 86400", stop_signal="SIGKILL")
    here.write("bare", {"bare": bare}, title="Bare")
    here.app.settings.welcome()
    board: Dashboard = request.getfixturevalue("dashboard")
    page = board.page()
    page.prefer(reduced_motion="reduce")  # what still fades in has no contrast yet
    for name in ("box", "bare"):  # a start moves the other's button away from the pointer
        page.button(f"Start: {name.title()}").click()
        page.wait_for(f"[data-module={name}][data-state=running]")
    # Its first process starts the other one a moment later.
    at_rest = eventually(lambda: all_of_idle(engine, "ai-box"), "its processes")

    page.go("modules/box/services")
    page.button("Open a terminal in box").click()
    page.wait_for_text("Connected", ".termfoot")
    assert page.address.endswith("#modules/box/services/box/terminal")
    write_and_read(page)
    use_keys(page)
    draw_much(page)
    tell = "document.addEventListener('visibilitychange', () => localStorage.setItem('hidden', 1))"
    page.script(tell)
    with monkeypatch.context() as patched:
        patched.setattr(channels, "RETURN_SECONDS", 0.0)
        other = board.in_another_tab()
        other.wait_for("[data-module=box]")
        other.until(lambda: other.script("return localStorage.hidden"), "the first tab is hidden")
    board.browser.close()
    board.browser.switch_to.window(board.browser.window_handles[0])
    enter(page, "clear; echo seen-$((1 + 1))")
    page.wait_for_text("seen-2", ROWS)
    type_while_cut_off(page)
    leave_only_after_a_yes(page)
    page.wait_for_text("/ #", ROWS)
    end_with_its_service(page, engine)
    board.modules.wait_for(box="running")
    page.button("Open a new one").click()
    page.wait_for_text("/ #", ROWS)
    enter(page, "trap '' INT HUP TERM; sleep 1004 & sleep 1005")
    eventually(lambda: "sleep 1005" in processes(engine, "ai-box"), "it runs")
    page.button("Close").click()
    eventually(lambda: processes(engine, "ai-box") == at_rest, "nothing is left")

    page.go("modules/bare/services/bare/terminal")
    page.wait_for_text("E_NO_SHELL", ".termend")
    page.wait_for_text("Not connected", ".termfoot")
    assert [one.text for one in page.all(".termend .button")] == ["Logs", "Close"]
    page.go("activity")
    page.wait_for_text("Terminal in Box/box")
    journal = here.app.settings.journal.path.read_text()
    assert '"user":"nobody"' in journal
    assert "sleep" not in journal
    assert not page.complaints()
