"""Progress where no person looks: one plain line for each change."""

from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.progress_lines import ProgressLines
from aiserver_tray.state.views import OperationView, StepView
from tests.unit.cli.views import IMAGE, changed, loading, pulled, service, up, view


def told(views: list[OperationView]) -> list[str]:
    lines = ProgressLines("en")
    return [line for second, one in enumerate(views) for line in lines.lines(one, float(second))]


def test_each_change_is_reported_once() -> None:
    steps = [up()]
    for index, status in (
        (0, "running"), (0, "done"), (2, "running"), (2, "done"), (3, "running"), (3, "done"),
        (4, "running"), (4, "running"), (4, "done"),
    ):  # fmt: skip
        steps.append(changed(steps[-1], index, status=status))
    assert told([view(s) for s in steps]) == [
        "network ai-net: created",
        "postgres: created",
        "postgres: starting",
        "postgres: started",
        "postgres: ready (2.0 s)",
    ]


def test_views_that_were_overtaken_lose_no_line() -> None:
    after = up()
    for index in range(len(after)):
        after = changed(after, index, status="done")
    lines = told([view(up()), view(after)])
    assert lines.index("n8n: pulling") < lines.index("n8n: pulled (0.0 s)")
    assert lines[-1] == "n8n: ready (0.0 s)"


def test_a_pull_shows_each_quarter_once() -> None:
    first = StepView("pull", IMAGE, "n8n", "n8n", status="running")
    views = [view([first])]
    for percent in (1, 10, 26, 30, 80, 99, 100):
        pull = loading(percent * 10**6, 10**8, done=percent // 25, layers=5)
        views.append(view(pulled([first], 0, pull)))
    assert told(views) == [
        "n8n: pulling",
        "n8n: 25 % of 100.0 MB (1/5 layers)",
        "n8n: 75 % of 100.0 MB (3/5 layers)",
    ]


def test_wait_for_another_operation_is_reported_once() -> None:
    waiting = view([], "waiting", detail=Text("waiting for {pid}", pid=7))
    assert told([waiting, waiting, view(service("n8n", "n8n"))]) == ["waiting for 7"]


def test_no_line_holds_a_control_character() -> None:
    step = StepView("pull", "evil:1", "n8n", "evil\x1b]0;x\x07", status="running")
    assert told([view([step])]) == ["n8n/evil␛]0;x␇: pulling"]
