"""Which services changed settings affect, and why."""

from pathlib import Path
from typing import Any

from aiserver_tray.model import Container
from aiserver_tray.operations.plan.up import plan_up
from aiserver_tray.operations.prepare import Prepared
from aiserver_tray.operations.preview import Effects, effects, preview
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import Scope
from aiserver_tray.spec.model import ModuleTarget
from tests.unit.operations.planning import done, observed, running, targets_of

FILE = """
    x-aiserver: {{kind: feature, open: "http://localhost:{port}"}}
    services:
      job: {{image: "busybox:1"}}
      web:
        image: "{image}"
        ports: ["{port}:80"]
        mem_limit: {memory}
        environment: {{PORT: "{port}"}}
        depends_on: {{job: {{condition: service_completed_successfully}}}}
      worker: {{image: "busybox:1"}}
"""
BEFORE = {"port": 8090, "memory": "1g", "image": "busybox:1"}


def target(folder: Path, **values: object) -> list[ModuleTarget]:
    return targets_of(folder, m=FILE.format(**{**BEFORE, **values}))


def found(now: list[ModuleTarget], then: list[ModuleTarget], **there: Any) -> Effects:  # noqa: ANN401
    seen = observed(now, **there)
    scope = Scope(("m",), ("m",), {one.name: one for one in then})
    prepared = Prepared(plan_up(then, seen), scope, seen)
    return effects(preview(Request("up"), prepared), prepared, now)


def test_only_what_differs_is_recreated_and_its_reasons_are_given(tmp_path: Path) -> None:
    now = target(tmp_path / "now")
    learnt = {"m/web": 7.0, "m/job": 1.0}
    (module,) = found(now, target(tmp_path / "then", port=8095, memory="3g"), learnt=learnt).modules

    by_name = {effect.service: effect for effect in module.services}
    assert {name: effect.kind for name, effect in by_name.items()} == {
        "job": "start",
        "web": "recreate",
    }
    assert list(map(str, by_name["web"].reasons)) == [
        "publishes port 8095",
        "memory limit 3 GB",
        "environment: PORT",
    ]
    assert (by_name["job"].is_job, by_name["web"].seconds) == (True, 7.0)
    assert (module.is_interrupted, module.kept) == (True, 1)
    assert module.page == "http://localhost:8095"
    assert module.seconds is not None
    assert 8.0 < module.seconds < 10.0, "the job, then the service"
    # Without a difference there is no effect.
    assert found(now, now) == Effects()
    # Images are pulled first, which interrupts nothing.
    there = found(now, target(tmp_path / "then", image="busybox:3"), learnt={"m/web": 1.0})
    assert there.pulls == ("busybox:3",)
    assert there.modules[0].seconds is None, "the job has never run before"


def test_changes_that_were_saved_earlier_are_named_as_such(tmp_path: Path) -> None:
    then = target(tmp_path)
    services = {service.service: service for service in then[0].services}
    containers: dict[str, Container] = {
        "ai-m-job": done(services["job"]),
        "ai-m-web": running(services["web"], config_hash="an older one"),
        "ai-m-worker": running(services["worker"]),
    }
    (module,) = found(then, then, containers=containers).modules
    (reason,) = {str(r) for effect in module.services for r in effect.reasons}
    assert reason == "applies changes that were saved earlier"
