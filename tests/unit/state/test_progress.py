"""How far an operation is, in a few words."""

from dataclasses import replace
from typing import Any

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.model import StepStatus
from aiserver_tray.state.progress import Titles, how_far, with_progress
from aiserver_tray.state.views import DownloadView, OperationView, StepView
from tests.support.made import operation


def test_finished_services_or_images_are_counted_and_a_wait_is_named() -> None:
    view = operation(
        "up",
        ("start", "postgres/postgres", "done"),
        ("wait", "postgres/postgres", "done"),
        ("create", "n8n/n8n", "running"),
        ("wait", "redis/redis", "running"),
    )
    assert (view.done, view.total) == (1, 3)
    assert view.text == Text("waiting for {name}", name="redis")
    # Images count if there are no services.
    steps = (StepView("pull", "redis:7", "redis", status="running"),)
    view = with_progress(OperationView("1", "pull", ("redis",), steps=steps))
    assert (view.done, view.total, str(view.text)) == (0, 1, "downloading redis")
    # Without downloads the finished services count.
    view = operation("stop", ("stop", "web/web", "done"), ("stop", "web/other", "running"))
    assert (view.share, view.download) == (0.5, None)
    # An operation without steps shows its wait.
    view = OperationView("1", "up", ("n8n", "redis"))
    assert with_progress(view).text is None
    waiting = replace(view, status="waiting", detail=Text("waiting for {name}", name="up dify"))
    assert str(with_progress(waiting).text) == "waiting for up dify"


def test_a_module_is_named_by_its_title_and_a_service_beside_it() -> None:
    titles: Titles = {"dify": {"en": "Dify", "zh": "智能体"}}
    for service, name in (("dify", "Dify"), ("api", "Dify (api)")):
        steps = (StepView("pull", "langgenius/dify-api:1", "dify", service, status="running"),)
        text = with_progress(OperationView("1", "up", ("dify",), steps=steps), titles).text
        assert str(text) == f"downloading {name}"
    assert text
    assert text.render("zh").endswith("智能体（api）")


def pulled(*statuses: StepStatus, **more: Any) -> OperationView:  # noqa: ANN401
    """A start that downloads so many images, and starts one service."""
    pulls = [StepView("pull", str(n), "web", status=one) for n, one in enumerate(statuses)]
    steps = (*pulls, StepView("start", "ai-web", "web", "web"))
    download = replace(DownloadView(current=30, total=100, rate=1.0, images=2), **more)
    return with_progress(OperationView("1", "up", ("web",), steps=steps, download=download))


@pytest.mark.parametrize(
    ("view", "downloads", "whole"),
    [
        (pulled("running", "pending"), 0.3, 0.15),
        (pulled("running", "pending", unsized=1), 0.15, 0.075),
        (pulled("done", "running", current=100), 0.99, 0.495),
        (pulled("done", "failed", current=100), 1.0, 0.5),
        (pulled("running", "pending", current=0, total=0), 0.0, 0.0),
    ],
    ids=["by bytes", "an unknown size counts as another", "unpacking", "over", "nothing is known"],
)
def test_an_operation_is_as_far_as_the_mean_of_its_phases(
    view: OperationView, downloads: float, whole: float
) -> None:
    assert view.download
    assert view.download.share == pytest.approx(downloads)
    assert view.share == pytest.approx(whole)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "43 %, estimating…"),
        (29.0, "43 %, less than a minute left"),
        (300.0, "43 %, about 5 min left"),
        (9000.0, "43 %, about 2 h 30 min left"),
    ],
)
def test_how_far_it_is_fits_into_a_line(seconds: float | None, text: str) -> None:
    view = OperationView("1", "up", ("web",), share=3 / 7, seconds_left=seconds)
    assert str(how_far(view)) == text
