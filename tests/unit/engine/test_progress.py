"""Following the layers of a pull."""

from typing import Any

import pytest

from aiserver_tray.engine.pull import PullMeter
from aiserver_tray.engine.values import LayerProgress, PullProgress


class Pull:
    """Messages of a pull, at times that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meter = PullMeter(lambda: self.now)

    def say(self, status: str, layer: str, current: int = 0, total: int = 0) -> None:
        message: dict[str, Any] = {"status": status, "id": layer}
        if total:
            message["progressDetail"] = {"current": current, "total": total}
        self.meter.feed(message)

    @property
    def progress(self) -> PullProgress:
        return self.meter.progress


def test_each_layer_is_followed_and_what_is_no_layer_is_ignored() -> None:
    pull = Pull()
    pull.say("Pulling from library/redis", "8.2")
    pull.say("Already exists", "a")
    pull.say("Pulling fs layer", "b")
    pull.say("Waiting", "c")
    pull.say("Downloading", "b", 100, 1000)
    assert pull.progress.layers == {
        "a": LayerProgress(state="present"),
        "b": LayerProgress(100, 1000, 0, "loading"),
        "c": LayerProgress(),
    }
    # Waiting to try again is no progress.
    pull = Pull()
    pull.now = 1.0
    pull.say("Downloading", "a", 10, 100)
    pull.now = 5.0
    pull.say("Retrying in 5 seconds", "a")
    assert pull.meter.advanced_at == 1.0
    assert pull.progress.layers == {"a": LayerProgress(10, 100, 0, "waiting")}


@pytest.mark.parametrize(
    ("status", "current", "layer"),
    [
        ("Verifying Checksum", 0, LayerProgress(1000, 1000, 0, "loaded")),
        ("Download complete", 0, LayerProgress(1000, 1000, 0, "loaded")),
        ("Extracting", 30, LayerProgress(1000, 1000, 30, "loaded")),
        ("Pull complete", 0, LayerProgress(1000, 1000, 1000, "unpacked")),
    ],
)
def test_unpacking_is_no_loading(status: str, current: int, layer: LayerProgress) -> None:
    pull = Pull()
    pull.say("Downloading", "a", 100, 1000)
    pull.say(status, "a", current, 1000 if current else 0)
    assert pull.progress.layers == {"a": layer}
    assert pull.meter.is_loaded


def test_a_layer_is_as_large_as_is_known_of_it() -> None:
    pull = Pull()
    pull.say("Pulling fs layer", "a")
    pull.say("Extracting", "a", 30, 1000)
    assert pull.progress.layers == {"a": LayerProgress(1000, 1000, 30, "loaded")}
    # One of unknown size grows.
    pull = Pull()
    pull.meter.feed({"status": "Downloading", "id": "a", "progressDetail": {"current": 70}})
    assert pull.progress.layers == {"a": LayerProgress(70, 70, 0, "loading")}
    assert not pull.meter.is_loaded
    # Engines with the containerd image store count seconds of unpacking, not bytes.
    pull = Pull()
    pull.say("Downloading", "a", 100, 100)
    detail = {"current": 7, "units": "s"}
    pull.meter.feed({"status": "Extracting", "id": "a", "progressDetail": detail})
    assert pull.progress.layers == {"a": LayerProgress(100, 100, 0, "loaded")}
