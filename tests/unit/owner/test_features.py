"""Each channel and event has one feature, which is made when it is needed."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.core.app import App
from aiserver_tray.features.events import every_event
from aiserver_tray.features.place import Place
from aiserver_tray.owner import features
from aiserver_tray.owner.api import Api
from aiserver_tray.owner.features import Features, class_of, classes, every_channel
from aiserver_tray.protocol.channel import Feature, Part, channel, dispatch
from aiserver_tray.protocol.message import Caller, Peer
from tests.support.places import place
from tests.support.surroundings import Recorded
from tests.unit.pages import ROOT

HERE = "tests.unit.owner.test_features"
CALLER = Caller(Peer("window", "en", lambda _message: None), "en")


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "home", [], "unix:///nowhere.sock")


def test_each_channel_and_each_event_has_one_feature_which_its_name_begins_like() -> None:
    channels = [(each, found.name) for each in classes() for found in each.every_channel()]
    assert [name for feature, name in channels if class_of(name) is not feature] == []
    assert len({name for _, name in channels}) == len(channels)
    assert {class_of(name).__module__.partition(".")[0] for name in every_event()} == {
        "aiserver_tray"
    }
    beginnings = [beginning for found in features.FEATURES.values() for beginning in found]
    assert len(beginnings) == len(set(beginnings))
    names = {*every_channel(), *every_event()}
    assert [b for b in beginnings if not any(name.startswith(b) for name in names)] == []


def test_each_channel_has_a_handler(app: App) -> None:
    core = app.core()
    here = Api(app, core, Recorded()).place
    found = Features(here)
    for name, declared in every_channel().items():
        handler = found[name]
        assert handler.channel is declared
        assert declared.method in vars(type(handler.part)).values()
    assert {type(feature) for feature in here.features} == {*classes()}
    found.close()  # also what was not started
    core.store.close()


NOTED: list[str] = []
"""What was done with the features."""


class Shelf(Part):
    """A part of `Lamps`."""

    @channel("lamp/shelf/count")
    def _count(self) -> None:
        """Count."""


class Lamps(Feature):
    """A feature."""

    parts: tuple[Shelf]

    def __init__(self, place: Place) -> None:
        NOTED.append("made lamps")
        place.feature(Bulbs)
        self.parts = (Shelf(),)

    @channel("lamp/get")
    def _get(self) -> None:
        """Get."""

    def start(self) -> None:
        NOTED.append("started lamps")

    def close(self) -> None:
        super().close()
        NOTED.append("closed lamps")


class Bulbs(Feature):
    """What lamps need."""

    def __init__(self, _place: Place) -> None:
        NOTED.append("made bulbs")

    @channel("lamp/bulb/get")
    def _get(self) -> None:
        """Get."""

    def start(self) -> None:
        NOTED.append("started bulbs")

    def close(self) -> None:
        NOTED.append("closed bulbs")


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was done with the features here, which are the only ones."""
    rows = {f"{HERE}:Lamps": ("lamp/",), f"{HERE}:Bulbs": ("lamp/bulb/",)}
    monkeypatch.setattr(features, "FEATURES", rows)
    yield NOTED
    NOTED.clear()


def test_a_feature_is_made_when_it_is_first_asked(noted: list[str], app: App) -> None:
    assert class_of("lamp/bulb/get") is Bulbs, "the longest beginning counts"
    assert class_of("lamp/shelf/count") is Lamps
    with pytest.raises(KeyError):
        class_of("bulb/get")
    lamps = Features(place(app))
    assert [*lamps] == ["lamp/get", "lamp/shelf/count", "lamp/bulb/get"]
    assert noted == []
    assert dispatch(lamps, "lamp/bulb/get", None, CALLER)["success"]
    assert noted == ["made bulbs"]
    for name in ("lamp/shelf/count", "lamp/get", "lamp/bulb/get"):
        assert dispatch(lamps, name, None, CALLER)["success"]
    assert noted == ["made bulbs", "made lamps"]
    assert "lamp/get" in dispatch(lamps, "lamp/gte", None, CALLER)["message"]


def test_required_feature_starts_first_and_closes_last(noted: list[str], app: App) -> None:
    lamps = Features(place(app))
    lamps.start()
    lamps.close()
    assert noted == [
        "made lamps", "made bulbs",
        "started bulbs", "started lamps",
        "closed lamps", "closed bulbs",
    ]  # fmt: skip


def test_the_table_brings_no_feature() -> None:
    script = "import sys, aiserver_tray.owner.features; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    brought = {name.partition(":")[0] for name in features.FEATURES} & {*done.stdout.split()}
    assert brought == set()
