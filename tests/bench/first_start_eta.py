"""How true the time left of the downloads is, when everything is started for the first time over a
slow line."""

import re
import shutil
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from aiserver_tray.core import app as wiring
from aiserver_tray.core.app import App, built_in_catalog
from aiserver_tray.operations.operation import Operation
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.names import KERNEL_SETTINGS
from aiserver_tray.state.views import OperationView
from tests.bench.result import Figure, Results
from tests.bench.stacks import require
from tests.lab import engine, registry
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.lab.recipes import load_recipes
from tests.support.ports import free_port
from tests.support.throttled import throttled

RATE = 1.5e6
"""Bytes a second, so that all images take about four minutes: not the machine, but the line is what
makes it slow."""
BEGIN = 0.1
"""The share of the downloads from which on the time left counts."""
LEAST, MOST = 0.7, 1.5
"""The bounds of an estimate that is right, as shares of the true time left."""
LIMIT = 10.0
"""Percent of the estimates that may be outside."""


def first_start_eta(lab: Place, _pairs: int) -> Results:
    """Percent of the samples, one a second, whose time left is outside of the bounds."""
    with (
        tempfile.TemporaryDirectory() as name,
        borrowed(lab) as client,
        throttled(engine.registry_address(lab), RATE) as mirror,
    ):
        for image in client.api.images():
            client.api.remove_image(image["Id"], force=True)
        catalog = _catalog(Path(name) / "catalog")
        registry.record_sizes(lab, load_recipes(), catalog)
        with patch.object(wiring, "built_in_catalog", lambda: catalog):
            app = App(Path(name) / "home", [], lab.host)
            _prepare(app, mirror)
            with app.core() as core:
                operation = core.operations.start(Request("up", all=True))
                samples, end = _samples(operation)
                operation.cancel()
                operation.wait()
    return _figures(samples, end)


def _catalog(folder: Path) -> Path:
    """A copy of the catalog whose modules need no more disk than the lab's images."""
    shutil.copytree(built_in_catalog(), folder)
    for file in folder.glob("*/*/compose.yaml"):
        file.write_text(re.sub(r"\bdisk: \w+", "disk: 100m", file.read_text()))
    return folder


def _prepare(app: App, mirror: str) -> None:
    """Let nothing stand in the way of its start, and every image come from *mirror*."""
    for address, setting in app.catalog.declared.items():
        if setting.type == "port":
            app.settings.change(app.declared, {address: str(free_port())})
    app.settings.change(app.declared, {KERNEL_SETTINGS: "true", "app.mirrors": mirror})


def _samples(operation: Operation) -> tuple[list[tuple[float, OperationView]], float]:
    """What *operation* says each second until all images are there, each with its time; and the
    time when they are."""
    found: list[tuple[float, OperationView]] = []
    while True:
        now, view = time.monotonic(), operation.view
        pulls = [step for step in view.steps if step.kind == "pull"]
        if pulls and all(step.status == "done" for step in pulls):
            return found, now
        require(not view.is_over, f"it ended: {view.error}")
        found.append((now, view))
        time.sleep(1.0)


def _figures(samples: list[tuple[float, OperationView]], end: float) -> Results:
    judged = [
        (end - now, view.download.seconds_left)
        for now, view in samples
        if view.download and view.download.share >= BEGIN
    ]
    right = [said is not None and LEAST * truth <= said <= MOST * truth for truth, said in judged]
    require(len(right) >= 30, f"only {len(right)} samples: the line was not slow enough")
    wrong = 100 * (1 - sum(right) / len(right))
    images = max(view.download.images for _, view in samples if view.download)
    return {
        "first-start-eta-wrong": Figure(wrong, f"% of {len(right)} samples", LIMIT),
        "first-start-eta-images": Figure(images, "images"),
        "first-start-eta-downloads": Figure(end - samples[0][0], "s"),
    }
