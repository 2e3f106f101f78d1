"""An operation's steps as rows for people."""

from dataclasses import replace

from aiserver_tray.cli.progress_lines import collapsed, rows, word
from aiserver_tray.model import StepStatus
from aiserver_tray.state.views import StepView
from tests.unit.cli.views import IMAGE, changed, service, up, view


def shown(steps: list[StepView]) -> list[tuple[str, str]]:
    return [(row.name, str(word(row.step))) for row in rows(view(steps))]


def test_a_service_has_one_row_with_the_step_that_it_is_at() -> None:
    assert shown(up()) == [("n8n", "waits"), ("postgres", "waits"), ("n8n/database", "waits")]
    steps = service("n8n", "n8n")
    pull = StepView("pull", IMAGE, "n8n", "n8n", status="running")
    assert shown([pull, *steps]) == [("n8n", "pulling")]
    assert shown(changed(steps, 0, status="running")) == [("n8n", "creating")]
    created = changed(steps, 0, status="done")
    assert shown(created) == [("n8n", "waits")]
    started = changed(created, 1, status="done")
    ends: dict[StepStatus, str] = {
        "running": "started, not ready yet",
        "done": "ready",
        "failed": "failed",
        "skipped": "not run",
    }
    for status, word_ in ends.items():
        assert shown(changed(started, 2, status=status)) == [("n8n", word_)]


def test_networks_show_only_when_they_fail() -> None:
    network = StepView("network", "ai-net", "n8n", status="running")
    assert shown([network]) == []
    assert shown([replace(network, status="failed")]) == [("network ai-net", "failed")]


def test_services_that_are_done_collapse_to_their_module_unless_one_is_in_work() -> None:
    database, n8n = service("n8n", "database", "done"), service("n8n", "n8n", "done")
    pulled = StepView("pull", IMAGE, "n8n", "n8n", status="done")
    found = collapsed(rows(view([pulled, *database, *n8n, *service("dify", "web")])))
    assert [(row.name, row.parts) for row in found] == [
        ("n8n", ("n8n", "n8n/database")),
        ("dify/web", ("dify/web",)),
    ]
    found = collapsed(rows(view([*database, *service("n8n", "n8n")])))
    assert [row.name for row in found] == ["n8n/database", "n8n"]
