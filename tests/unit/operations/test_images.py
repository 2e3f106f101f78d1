"""An image whose build has a URL for its context: it can only be pulled. The engine whose registry
has none is a stand-in."""

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from aiserver_tray.base.errors import AiServerError, ImageBuildError
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import never_pulled, plan_images, plan_up
from aiserver_tray.operations.run.execute import EngineExecutor
from aiserver_tray.operations.run.objects import asking
from aiserver_tray.settings.app_settings import AppSettings
from aiserver_tray.spec.model import ModuleTarget
from tests.support.standin_engine import Asked, needs_unix_sockets, standin

from .planning import targets_of

URLS = [
    "https://someone:t0ken@git.example/app.git#main:web",
    "git@git.example:team/app.git",
    "http://files.example/context.tar.gz",
]


def _module(folder: Path, url: str, policy: str = "missing") -> ModuleTarget:
    service = f'{{image: "team/app:1", pull_policy: {policy}, build: "{url}"}}'
    (target,) = targets_of(folder, m=f"services: {{web: {service}}}\n")
    return target


def _failure(folder: Path, target: ModuleTarget, plan: Plan) -> AiServerError:
    """Of the image's step of *plan*, on an engine whose registry does not have the image."""

    def answer(asked: Asked, _body: bytes) -> None:
        asked.say({"message": "manifest unknown"}, 404)

    folder.mkdir(exist_ok=True)
    (step,) = (step for step in plan if step.kind in ("pull", "build"))
    with standin(folder, answer) as address, closing(Engine(address)) as engine:
        executor = EngineExecutor(engine, {"m": target}, (), (), Cancellation())
        with pytest.raises(AiServerError) as caught:
            executor.execute(step)
    return caught.value


@needs_unix_sockets
@pytest.mark.parametrize("url", URLS)
def test_missing_image_with_a_remote_context_says_why_it_is_not_built(
    url: str, tmp_path: Path
) -> None:
    target = _module(tmp_path, url)
    error = _failure(tmp_path, target, plan_up([target], Observed()))
    assert "team/app:1: manifest unknown" in str(error)
    assert str(error).endswith("aiserver-tray up m")
    asked = _failure(tmp_path / "asked", target, plan_images([target], "build"))
    for found in (error, asked):
        assert isinstance(found, ImageBuildError)
        assert "build context is a URL" in str(found)
        assert "t0ken" not in str(found.as_json("en"))

    (neither,) = never_pulled([_module(tmp_path, url, "never")], Observed())
    assert neither.data["image"] == "team/app:1", "it can be neither pulled nor built"


def test_an_image_is_answered_for_even_if_asking_for_its_size_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw is scripted."""

    def image_size(*_asked: object) -> None:
        raise RecursionError

    engine = SimpleNamespace(image_size=image_size, info=lambda: SimpleNamespace(platform="a/b"))
    settings = SimpleNamespace(app=AppSettings({}))
    parts: Any = SimpleNamespace(engine=engine, settings=settings)
    plan = plan_up([_module(tmp_path, URLS[0])], Observed())
    plan = Plan(tuple(replace(step, is_asked=step.kind == "pull") for step in plan))
    answers: SimpleQueue[tuple[str, object]] = SimpleQueue()
    errors: SimpleQueue[threading.ExceptHookArgs] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", errors.put)
    with asking(plan, parts, lambda step, size: answers.put((step, size))):
        (pull,) = (step.id for step in plan if step.kind == "pull")
        assert errors.get(timeout=60).exc_type is RecursionError
        assert answers.get_nowait() == (pull, None)
