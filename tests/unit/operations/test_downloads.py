"""How much an operation downloads, how fast, and when each image is there: scripted streams of
pulls, second by second."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from aiserver_tray.catalog.image_sizes import ImageSize
from aiserver_tray.engine.values import LayerProgress, PullProgress
from aiserver_tray.operations.run.downloads import Downloads, Job, KnownSizes, finish_seconds

MB = 1_000_000


def digest(layer: str) -> str:
    return f"sha256:{layer:0>12}{'0' * 52}"


def size(**layers: int) -> ImageSize:
    """An image whose layers have so many MB each."""
    found = {digest(name): count * MB for name, count in layers.items()}
    return ImageSize(sum(found.values()), found)


def loading(current: float, total: float) -> LayerProgress:
    found = LayerProgress(int(current * MB), int(total * MB), 0, "loading")
    return replace(found, state="loaded") if current >= total else found


def layers(**found: LayerProgress) -> PullProgress:
    return PullProgress({f"{name:0>12}": layer for name, layer in found.items()})


WAITING, PRESENT = LayerProgress(), LayerProgress(state="present")


class Script:
    """Pulls of one module's images, which are measured each second."""

    def __init__(
        self, *steps: str, needs: int = 0, asked: str = "", **sizes: ImageSize | None
    ) -> None:
        self.now = 0.0
        found = {step: known for step, known in sizes.items() if known}
        known = KnownSizes(found, frozenset(asked), {"m": needs * MB} if needs else {})
        self.downloads = Downloads(dict.fromkeys(steps, "m"), known)
        self.downloads.measure(0.0)

    def second(self, **reports: PullProgress) -> None:
        for step, report in reports.items():
            self.downloads.progress(step, report)
        self.now += 1.0
        self.downloads.measure(self.now)

    @property
    def left(self) -> float | None:
        """Seconds until all is there."""
        finishes = self.downloads.finishes()
        return None if finishes is None else max(finishes.values(), default=0.0)

    @property
    def megabytes(self) -> tuple[int, int]:
        total = self.downloads.total
        return total.current // MB, total.total // MB

    def begin(self, *steps: str) -> None:
        for step in steps:
            self.downloads.begin(step)

    def load(self, seconds: int, rate: float, total: float, begin: float = 0) -> None:
        """Load the layer ``x`` of the image ``a`` at *rate* MB a second."""
        for second in range(1, seconds + 1):
            self.second(a=layers(x=loading(begin + second * rate, total)))


def test_the_time_left_is_what_is_left_by_the_rate_of_the_last_seconds() -> None:
    script = Script("a", "b", a=size(x=100), b=size(y=50))
    assert script.left is None, "nothing was measured yet"
    script.begin("a")
    script.load(20, 2, 100)
    assert script.megabytes == (40, 150)
    assert script.downloads.total.rate == pytest.approx(2 * MB)
    assert script.left == pytest.approx(110 / 2 + 100 / 6), "and the largest layer is unpacked"
    # While a registry is asked nothing is estimated.
    script = Script("a", "b", a=size(x=10), asked="b")
    script.begin("a")
    script.load(4, 1, 10)
    assert script.left is None
    assert str(script.downloads.why_unknown) == "asking how large the downloads are"
    script.downloads.resize("b", size(y=10))
    assert script.megabytes == (4, 20)
    assert script.left == pytest.approx(16 + 10 / 6)


@pytest.mark.parametrize(("seconds", "rate"), [(3, 3.5), (6, 3.0), (12, 2.0)])
def test_a_rate_that_halves_is_followed_within_the_window(seconds: int, rate: float) -> None:
    script = Script("a", a=size(x=1000))
    script.begin("a")
    script.load(30, 4, 1000)
    script.load(seconds, 2, 1000, begin=120)
    assert script.downloads.total.rate == pytest.approx(rate * MB)


def test_a_layer_that_begins_again_or_stalls_has_no_time_left() -> None:
    script = Script("a", a=size(x=100))
    script.begin("a")
    script.load(5, 1, 100)
    script.load(8, 0, 100, begin=5)
    assert script.left is None
    assert str(script.downloads.why_unknown) == "the download is stalled"
    script.second(a=layers(x=loading(6, 100)))
    assert script.downloads.why_unknown is None
    assert script.left is not None
    # A layer that begins again takes nothing back.
    script = Script("a", a=size(x=100))
    script.begin("a")
    script.load(5, 10, 100)
    script.second(a=layers(x=loading(2, 100)))
    assert script.megabytes == (50, 100)
    assert script.downloads.total.rate > 0


SHARING = {"a": size(base=80, x=20), "b": size(base=80, y=10)}


def test_a_shared_layer_counts_once_for_the_image_that_began_first() -> None:
    script = Script("a", "b", a=SHARING["a"], b=SHARING["b"])
    assert script.megabytes == (0, 110)
    script.begin("b", "a")
    script.second(b=layers(base=loading(8, 80), y=WAITING))
    script.second(a=layers(base=loading(8, 80), x=loading(20, 20)))
    parts = script.downloads.parts
    assert {step: part.total // MB for step, part in parts.items()} == {"b": 90, "a": 20}
    assert script.megabytes == (28, 110)
    assert [parts[step].awaits_shared for step in "ab"] == [True, False]


@pytest.mark.parametrize("known", [size(base=80, x=20), ImageSize(100 * MB)])
def test_an_image_that_is_up_to_date_counts_for_nothing(known: ImageSize) -> None:
    """The engine reports no layer of it."""
    script = Script("a", "b", a=known, b=size(base=80, y=10))
    script.begin("a", "b")
    script.second(b=layers(base=PRESENT, y=loading(5, 10)))
    script.downloads.end("a", is_done=True)
    script.second(b=layers(base=PRESENT, y=loading(8, 10)))
    assert script.megabytes == (8, 10)
    assert script.downloads.total.rate == pytest.approx(4 * MB)


def test_a_layer_that_is_there_counts_only_if_an_earlier_image_loaded_it() -> None:
    script = Script("a", "b", a=SHARING["a"], b=SHARING["b"])
    script.begin("a")
    script.second(a=layers(base=PRESENT, x=loading(5, 20)))
    assert script.megabytes == (5, 30)
    script = Script("a", "b", a=size(base=80), b=SHARING["b"])
    script.begin("a")
    script.second(a=layers(base=loading(80, 80)))
    script.downloads.end("a", is_done=True)
    script.begin("b")
    script.second(b=layers(base=PRESENT, y=loading(5, 10)))
    assert script.megabytes == (85, 90)
    # What a failed image shared is left to the others.
    script = Script("a", "b", a=size(base=80), b=SHARING["b"])
    script.begin("a")
    script.second(a=layers(base=loading(40, 80)))
    script.downloads.end("a", is_done=False)
    assert script.megabytes == (40, 90)
    assert script.downloads.total.images == 1


def test_an_image_recorded_without_layers_is_whole_until_the_engine_reports_them() -> None:
    script = Script("a", a=ImageSize(100 * MB))
    assert script.megabytes == (0, 100)
    script.begin("a")
    script.second(a=layers(base=PRESENT, x=loading(5, 30), y=WAITING))
    assert script.megabytes == (5, 100)
    script.second(a=layers(base=PRESENT, x=loading(6, 30), y=loading(1, 20)))
    assert script.megabytes == (7, 50), "the rest was there"


def test_the_approximate_size_of_a_module_stands_for_images_without_one() -> None:
    script = Script("a", "b", "c", needs=90, c=size(z=10))
    total = script.downloads.total
    assert (total.total // MB, total.is_rough, total.unsized) == (90, True, 0)
    script.begin("a")
    script.load(5, 4, 60)
    assert script.megabytes == (20, 90)
    assert script.left == pytest.approx(70 / 4 + 60 / 6), "to load the rest and to unpack the last"
    script.downloads.end("a", is_done=True)
    script.begin("b")
    script.second(b=layers(y=loading(1, 40)))
    assert script.megabytes == (61, 110), "it was more than expected"
    assert not script.downloads.total.is_rough
    # Without any size it is at least what is known.
    script = Script("a", "b", a=size(x=10))
    total = script.downloads.total
    assert (total.total // MB, total.unsized, total.images) == (10, 1, 2)
    assert not script.downloads.parts["b"].is_sized


def test_unpacking_is_work_and_each_layer_has_its_own_speed() -> None:
    script = Script("a", a=size(x=60, y=60))
    script.begin("a")
    loaded = {"x": LayerProgress(60 * MB, 60 * MB, 0, "loaded"), "y": loading(60, 60)}
    script.second(a=layers(**loaded))
    mean = 0.6 * 30 / (3 + 1)
    assert script.left == pytest.approx(60 / (mean * 5 / 6) + 60 / mean), "nearly as assumed"
    for second in range(1, 21):
        loaded["x"] = LayerProgress(60 * MB, 60 * MB, second * MB, "loaded")
        script.second(a=layers(**loaded))
    others = 0.6 * (30 + 20) / (3 + 21)
    assert script.left == pytest.approx(40 / ((others * 5 + 20) / (5 + 21)) + 60 / others)
    assert script.megabytes == (120, 120)


@pytest.mark.parametrize(
    ("jobs", "ends"),
    [
        ({}, {}),
        ({"a": Job(10)}, {"a": 10}),
        ({"a": Job(10), "b": Job(10)}, {"a": 20, "b": 20}),
        ({"a": Job(5), "b": Job(15)}, {"a": 10, "b": 20}),
        ({"a": Job(10, 5, 5)}, {"a": 15}),
        ({"a": Job(10, 20, 1)}, {"a": 20}),
        ({"a": Job(0, 3, 3), "b": Job(4)}, {"a": 3, "b": 4}),
        ({"a": Job(4), "b": Job(8), "c": Job(2)}, {"a": 8, "c": 12, "b": 14}),
    ],
    ids=[
        *("nothing", "one", "two share the rate", "the small one ends first", "unpacking follows"),
        *("slow unpacking counts as a whole", "unpacking needs no rate", "the third one waits"),
    ],
)
def test_images_are_there_when(jobs: Mapping[str, Job], ends: Mapping[str, float]) -> None:
    found = finish_seconds(jobs, rate=1, at_once=2)
    assert found == pytest.approx(ends)
