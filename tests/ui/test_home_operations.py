"""Home in a real browser: what it tells and offers of operations that run or failed."""

import pytest
from selenium.webdriver import Keys

from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.contract.message import Json
from tests.support import states
from tests.ui.conftest import Stack


def test_nothing_is_offered_that_an_operation_is_about(stack: Stack) -> None:
    busy = states.operation("up", "n8n")
    stack.show(states.snapshot("starting", states.module("n8n", "starting"), operations=[busy]))
    home = stack.home()
    assert home.names_of_usable_buttons("n8n") == []
    assert home.names_of_usable_buttons("oneapi") == ["Start"]


def test_a_refused_request_says_why(stack: Stack) -> None:
    host = stack.show(states.snapshot())
    message = "Process 99 (aiserver-tray up) is at work on n8n. Wait for it."
    host.answers["ai/module/start"] = {
        "success": False,
        "code": "E_BUSY",
        "message": message,
        "data": {},
    }
    home = stack.home()
    home.button("Start: n8n").click()
    home.wait_for_text(message, ".notice.failure")
    assert "Start" in home.names_of_usable_buttons("n8n")


def test_an_answer_that_does_not_come_is_told_in_words(stack: Stack) -> None:
    stack.show(states.snapshot())
    home = stack.home()
    home.withhold("invoke")
    home.button("Start: n8n").click()
    home.wait_for_text("E_NOT_RUNNING", ".notice.failure")
    home.wait_for_text("Connection lost", ".notice.failure")
    home.withhold()


def test_an_operation_shows_how_far_it_is_and_can_be_cancelled(stack: Stack) -> None:
    host = stack.show(states.starting())
    home = stack.home()
    for text in (
        "Starting everything",
        "waiting for postgres",
        "3 of 7 ready",
        "about 42 seconds left",
    ):
        home.wait_for_text(text, ".operation")
    assert home.script("return document.querySelector('.operation progress').position") == 3 / 7
    home.button("Cancel: Starting everything").click()
    assert host.wait_for_call("ai/operation/cancel") == {"id": "op-1"}

    others = states.operation("stop", "n8n", foreign=True)
    stopping = (states.module("n8n", "stopping"), states.module("dify", "running"))
    host.show(states.snapshot("stopping", *stopping, operations=[others]))
    home.wait_for_text("Stopping n8n", ".operation")
    home.wait_for_text("3 of 7 stopped", ".operation")
    home.wait_for_text("1 module left to stop", ".overview")
    assert not home.all(".operation button"), "another process's can't be cancelled here"


@pytest.mark.parametrize("width", [1200, 450])
def test_what_an_operation_does_can_be_read_at_any_zoom(stack: Stack, width: int) -> None:
    stack.show(states.starting())
    home = stack.home()
    home.resize(width, 600)
    home.wait_for_text("waiting for postgres", ".operation")
    home.picture(f"operation-{width}")
    text = "const {scrollWidth, clientWidth} = document.querySelector('.operation .grow');"
    assert home.script(f"{text} return scrollWidth <= clientWidth && clientWidth > 100")


DOWNLOAD = (
    f"elasticsearch: docker.elastic.co/elasticsearch/elasticsearch@sha256:{'c0ffee' * 11}: "
    "350 MB of 1.2 GB, 12 MB/s, 3 of 9 layers"
)


@pytest.mark.parametrize("width", [450, 640, 900])
def test_the_whole_detail_of_an_operation_is_seen(stack: Stack, width: int) -> None:
    home = stack.home()
    home.resize(width, 700)
    stack.show(states.snapshot("starting", operations=[states.operation("up", text=DOWNLOAD)]))
    home.wait_for_text("350 MB of 1.2 GB", ".operation")
    home.picture(f"download-{width}")
    text = "const it = document.querySelector('.operation .grow');"
    assert home.script(f"{text} return it.scrollWidth <= it.clientWidth")
    assert home.script(f"{text} return it.scrollHeight <= it.clientHeight")
    for name in ("Starting everything", "3 of 7 ready", "about 42 seconds left", "Cancel"):
        home.wait_for_text(name, ".operation")
    overflow = "return document.documentElement.scrollWidth - innerWidth"
    assert home.script(overflow) <= 0


def test_a_detail_that_is_cut_can_be_pointed_at(stack: Stack) -> None:
    stack.show(states.snapshot("starting", operations=[states.operation("up", text=DOWNLOAD)]))
    home = stack.home()
    home.resize(1200, 700)
    home.wait_for_text("elasticsearch", ".operation")
    assert home.wait_for(".operation .grow").get_attribute("title") == DOWNLOAD


def test_a_failed_operation_says_why_until_it_is_dismissed(stack: Stack) -> None:
    host = stack.show(states.failed())
    home = stack.home()
    for text in ("n8n, RAGFlow couldn't start", "pid 4711", "8 GB", "E_PORT_CONFLICT"):
        home.wait_for_text(text, ".notice.failure")
    home.button("Dismiss: n8n, RAGFlow couldn't start").click()
    home.until(lambda: not home.all(".notice.failure"), "the notice goes")
    host.show(states.failed())
    home.until(lambda: not home.all(".notice.failure"), "and stays away")


def test_of_what_came_back_by_itself_a_failure_is_of_some_only(stack: Stack) -> None:
    shown = states.failed()
    shown["operations"][0]["revival"] = True
    stack.show(shown)
    stack.home().wait_for_text("Some modules couldn't start", ".notice.failure")


def test_a_note_that_is_dismissed_takes_no_failure_along(stack: Stack) -> None:
    shown = states.failed()
    shown["operations"][0]["notices"] = ["Memory is short"]
    stack.show(shown)
    home = stack.home()
    home.button("Dismiss: Please note").click()
    home.until(lambda: not home.all(".notice.info"), "the note goes")
    home.button("Dismiss: n8n, RAGFlow couldn't start").click()
    home.until(lambda: not home.all(".notice"), "the failure goes")


NEED = Text(
    "{module} needs the kernel setting {name} to be at least {needed}; it is {found}. {how}",
    module="elasticsearch",
    name="vm.max_map_count",
    needed=262144,
    found=65530,
    how=Text(
        "To set it yourself, run: sudo sysctl -w {setting}", setting="vm.max_map_count=262144"
    ),
)
QUESTION = Text(
    "Allow AI-Server Tray to set {setting} in the kernel of the Docker engine? A privileged "
    "container sets it before modules start, and again after each restart of the engine. The "
    "setting applies to all programs on that kernel.",
    setting="vm.max_map_count=262144",
)


def unfixed(language: Language = "en") -> Json:
    """As a host tells it in *language*."""
    return states.fix(NEED.render(language), QUESTION.render(language))


@pytest.mark.parametrize(
    ("language", "action"), [("en", "Allow and start again"), ("zh", "允许并重新启动")]
)
def test_what_can_be_fixed_is_asked_set_and_started_again(
    stack: Stack, language: Language, action: str
) -> None:
    host = stack.show(unfixed(language))
    home = stack.home(language)
    home.button(action).click()
    home.wait_for_text(QUESTION.render(language), "#question[open]")
    home.press(Keys.ESCAPE)
    home.until(lambda: not home.all("#question[open]"), "the question goes")
    asked = [channel for channel, _ in host.calls if channel.startswith(("ai/config", "ai/op"))]
    assert asked == []

    home.button(action).click()
    home.wait_for("#question[open] .button.danger").click()
    setting = {"name": "app.kernel_settings", "value": "true"}
    assert host.wait_for_call("ai/config/set") == setting
    again = {"kind": "up", "modules": ["ragflow"]}
    assert host.wait_for_call("ai/operation/start") == again
    home.until(lambda: not home.all(".notice.failure"), "the notice goes")


def test_nothing_is_started_again_where_the_setting_is_refused(stack: Stack) -> None:
    host = stack.show(unfixed())
    refusal = {"success": False, "code": "E_SETTING", "message": "The disk is full.", "data": {}}
    host.answers["ai/config/set"] = refusal
    home = stack.home()
    home.button("Allow and start again").click()
    home.wait_for("#question[open] .button.danger").click()
    home.wait_for_text("The disk is full.", ".notice.failure + .notice.failure")
    assert all(channel != "ai/operation/start" for channel, _ in host.calls)


def test_what_would_fail_for_another_reason_too_is_not_offered_again(stack: Stack) -> None:
    shown = unfixed()
    first = shown["operations"][0]["error"]
    shown["operations"][0]["error"] = first | {"data": {"errors": [first, states.MEMORY]}}
    stack.show(shown)
    home = stack.home()
    home.wait_for_text("vm.max_map_count", ".notice.failure")
    assert not home.all(".fix")


def test_a_module_is_trusted_and_started_after_a_question_with_its_permissions(
    stack: Stack,
) -> None:
    host = stack.show(states.untrusted("read /srv", "use the device /dev/kvm"))
    home = stack.home()
    home.button("Trust and start").click()
    for line in ("wiki may then:", "– read /srv", "– use the device /dev/kvm"):
        home.wait_for_text(line, "#question[open]")
    assert all(channel != "ai/module/trust" for channel, _ in host.calls)

    home.wait_for("#question[open] .button.danger").click()
    assert host.wait_for_call("ai/module/trust") == {"name": "wiki", "hash": "HASH"}
    assert host.wait_for_call("ai/operation/start") == {"kind": "up", "modules": ["wiki"]}
    home.until(lambda: not home.all(".notice.failure"), "the notice goes")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_question_fits_in_light_and_dark(stack: Stack, language: Language) -> None:
    stack.show(states.in_chinese(unfixed("zh")) if language == "zh" else unfixed())
    home = stack.home(language)
    home.resize(900, 600)
    for theme in ("light", "dark"):
        home.prefer(color_scheme=theme, reduced_motion="reduce")
        home.picture(f"fix-{theme}-{language}")
        home.wait_for(".fix .button").click()
        dialog = home.wait_for("#question[open]")
        home.picture(f"fix-question-{theme}-{language}")
        assert dialog.rect["x"] >= 0
        assert dialog.rect["x"] + dialog.rect["width"] <= 900
        assert dialog.rect["y"] + dialog.rect["height"] <= 600
        home.press(Keys.ESCAPE)
        home.until(lambda: not home.all("#question[open]"), "the question goes")
