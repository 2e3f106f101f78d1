"""How far an operation is, in a few words."""

from dataclasses import replace

from aiserver_tray.base.i18n import Text
from aiserver_tray.state.progress import with_progress
from aiserver_tray.state.views import OperationView, StepView
from tests.support.made import operation


def test_services_are_counted_and_what_is_waited_for_is_named() -> None:
    view = operation(
        "up",
        ("start", "postgres/postgres", "done"),
        ("wait", "postgres/postgres", "done"),
        ("create", "n8n/n8n", "running"),
        ("wait", "redis/redis", "running"),
    )
    assert (view.done, view.total) == (1, 3)
    assert view.text == Text("waiting for {name}", name="redis")


def test_images_count_where_it_is_only_about_these() -> None:
    steps = (StepView("pull", "redis:7", "redis", status="running"),)
    view = with_progress(OperationView("1", "pull", ("redis",), steps=steps))
    assert (view.done, view.total, str(view.text)) == (0, 1, "pulling redis:7")


def test_operation_without_steps_shows_its_wait() -> None:
    view = OperationView("1", "up", ("n8n", "redis"))
    assert with_progress(view).text is None
    waiting = replace(view, status="waiting", detail=Text("waiting for {name}", name="up dify"))
    assert str(with_progress(waiting).text) == "waiting for up dify"
