"""What people are shown of a module besides its state."""

from dataclasses import replace

import pytest

from aiserver_tray.base.strings import image_tag
from aiserver_tray.model import ModuleModel, ServiceModel
from tests.support.made import at, container, ended, model, running_engine, shown


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("registry:5000/web:1.2@sha256:12", "1.2"),
        ("registry:5000/web", None),
        ("web@sha256:12", None),
        ("sha256:12", None),
    ],
)
def test_the_tag_of_an_image(image: str, tag: str | None) -> None:
    assert image_tag(image) == tag


class TestVersion:
    ONES = (
        ServiceModel("a-job", "ai-web-a-job", "job:1", is_job=True),
        ServiceModel("app", "ai-web-app", "app:2"),
        ServiceModel("web", "ai-web", "web:3"),
        ServiceModel("worker", "ai-web-worker", "worker:4"),
    )

    @pytest.mark.parametrize(
        ("services", "version"),
        [
            ((*ONES[:3], replace(ONES[3], is_main=True)), "4"),
            (ONES, "3"),
            (ONES[:2], "2"),
            (ONES[:1], "1"),
            ((), None),
        ],
        ids=["declared", "of the module's name", "no job", "only a job", "none"],
    )
    def test_is_of_the_main_service(
        self, services: tuple[ServiceModel, ...], version: str | None
    ) -> None:
        state = running_engine(models=(ModuleModel("web", "feature", services=services),))
        assert shown(state).version == version

    def test_is_the_one_that_runs(self) -> None:
        assert shown(running_engine(container(image="app:0.9"))).version == "0.9"
        by_id = container(image="sha256:12")
        assert shown(running_engine(by_id)).version == "1"


def test_memory_limit_and_start_are_those_of_services_that_last() -> None:
    web = model("web", "app", "db", jobs=("job",))
    app, db, job = web.services
    known = replace(web, services=(replace(app, memory=2), replace(db, memory=3), job))
    assert shown(running_engine(models=(known,))).memory_limit == 5
    partly = replace(web, services=(replace(app, memory=2), db, job))
    assert shown(running_engine(models=(partly,))).memory_limit is None
    # A module runs since the latest start of a running service.
    state = running_engine(
        container("web/app", started_at=at(5)),
        container("web/db", started_at=at(2)),
        ended("web/job", started_at=at(9)),
        models=(model("web", "app", "db", jobs=("job",)),),
    )
    assert shown(state).since == at(5)
    assert shown(running_engine(ended("web/app"))).since is None
