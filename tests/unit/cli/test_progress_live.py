"""Progress as it looks on a terminal."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.progress_live import ProgressScreen
from aiserver_tray.state.views import OperationView, StepView
from tests.unit.cli.views import IMAGE, changed, loading, pulled, service, up, view

_SGR = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """A terminal of a given size, without colours."""

    def __init__(self, width: int, height: int = 24, encoding: str = "utf-8") -> None:
        self.file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        self.console = Console(
            file=self.file, width=width, height=height, force_terminal=True, no_color=True,
            highlight=False, markup=False, legacy_windows=False, _environ={"TERM": "xterm"},
        )  # fmt: skip
        self.progress = ProgressScreen(self.console, "en", begun=0.0)

    def lines(self, one: OperationView, now: float, note: Text | None = None) -> list[str]:
        with self.console.capture() as capture:
            self.console.print(self.progress.draw(one, now, note=note))
        return [line.rstrip() for line in _SGR.sub("", capture.get()).splitlines()]


def pulling(current: int = 114_200_000) -> OperationView:
    steps = pulled(up(), 1, loading(current, 456_700_000, done=3, layers=9))
    return view(changed(steps, 1, rate=12_300_000.0), seconds_left=8.4)


def test_a_pull_shows_bytes_rate_and_layers() -> None:
    lines = Screen(120).lines(pulling(), 1.0)
    assert lines[0].startswith("Starting n8n")
    assert lines[0].endswith("1.0 s, about 8 s left")
    assert "114.2/456.7 MB  12.3 MB/s  3/9 layers" in lines[2]
    assert "25%" in Screen(40).lines(pulling(), 1.0)[2]
    assert "456.7/456.7 MB  unpacking" in Screen(80).lines(pulling(current=456_700_000), 1.0)[2]
    assert lines[2].startswith("⠋")
    assert lines[-1] == "Ctrl-C cancels."


def test_the_time_left_shrinks_though_nothing_changes() -> None:
    screen = Screen(80)
    screen.lines(pulling(), 1.0)
    assert screen.lines(pulling(), 4.0)[0].endswith("4.0 s, about 5 s left")
    assert screen.lines(pulling(), 40.0)[0].endswith("40.0 s, about 1 s left")


def test_the_time_left_is_estimated_first_and_comes_with_the_reason_for_more() -> None:
    screen, why = Screen(80), Text("the download became slower")
    assert screen.lines(view(up()), 1.0)[0].endswith("1.0 s, estimating…")
    slower = view(up(), seconds_left=60.0, delay=why)
    assert screen.lines(slower, 2.0)[0].endswith("about 60 s left: the download became slower")
    stalled = view(up(), delay=Text("the download is stalled"))
    assert screen.lines(stalled, 3.0)[0].endswith("3.0 s, estimating: the download is stalled")


def test_the_heading_names_several_modules_and_a_wait_and_a_note_the_place_of_the_hint() -> None:
    one = replace(pulling(), modules=("dify", "n8n", "oneapi"))
    lines = Screen(120).lines(one, 1.0, note=Text("Cancelling"))
    assert lines[0].startswith("Starting dify, n8n and oneapi ")
    assert lines[-1] == "Cancelling"
    waiting = view([], "waiting", detail=Text("waiting for {command}", command="up dify\x1b[2J"))
    assert Screen(80).lines(waiting, 1.0)[0].startswith("waiting for up dify␛[2J")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    screen = Screen(width)
    lines = screen.lines(pulling(), 1.0)
    assert max(map(len, lines)) <= width
    assert len(lines) == 6, "heading, bar, three rows, hint"


def test_times_run_while_a_step_does_and_stop_with_it() -> None:
    screen = Screen(80)
    begun = changed(service("n8n", "n8n"), 0, status="running")
    screen.lines(view(begun), 1.0)
    assert screen.lines(view(begun), 3.5)[2].endswith("2.5 s")
    done = service("n8n", "n8n", "done")
    screen.lines(view(done), 6.0)
    assert screen.lines(view(done), 99.0)[2].endswith("5.0 s")


def test_a_module_that_is_done_shows_how_long_all_of_it_took() -> None:
    screen = Screen(80)
    steps = [*service("n8n", "database"), *service("n8n", "n8n")]
    for now, index in enumerate(range(6)):
        steps = changed(steps, index, status="running")
        screen.lines(view(steps), float(now))
        steps = changed(steps, index, status="done")
    lines = screen.lines(view(steps, "succeeded"), 7.0)
    assert len(lines) == 1
    assert lines[0].split() == ["✓", "n8n", "ready", "7.0", "s"]


def test_rows_that_do_not_fit_are_counted_but_failed_and_running_ones_stay() -> None:
    steps = [
        step
        for number in range(40)
        for step in service("big", f"s{number:02}", "done" if number < 38 else "pending")
    ]
    steps = changed(steps, 39 * 3, status="failed")
    steps = changed(steps, 38 * 3, status="running")
    lines = Screen(80, height=12).lines(view(steps), 1.0)
    assert len(lines) <= 12
    assert any("big/s38" in line and "creating" in line for line in lines)
    assert any("big/s39" in line and "failed" in line for line in lines)
    assert any("and 33 more" in line for line in lines)


def test_signs_are_plain_where_the_encoding_has_no_others() -> None:
    screen = Screen(80, encoding="cp1252")
    "\n".join(screen.lines(pulling(), 1.0)).encode("ascii")


def test_a_failure_keeps_its_rows_and_names_the_service_whose_image_is_missing() -> None:
    steps = [*service("postgres", "postgres", "done"), *service("n8n", "n8n", "skipped")]
    steps = changed(steps, 3, status="failed")
    steps.append(StepView("pull", IMAGE, "dify", "api", status="failed"))
    assert [line.split()[:3] for line in Screen(80).lines(view(steps, "failed"), 1.0)] == [
        ["✓", "postgres", "ready"], ["✗", "n8n", "failed"], ["✗", "dify/api", "failed"],
    ]  # fmt: skip
