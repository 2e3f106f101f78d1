"""Adding up the layers of a pull."""

from typing import Any

from aiserver_tray.engine.pull import PullMeter
from aiserver_tray.engine.values import PullProgress


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


def test_bytes_and_layers_are_summed() -> None:
    pull = Pull()
    pull.say("Pulling from library/redis", "8.2")
    pull.say("Already exists", "a")
    pull.say("Pulling fs layer", "b")
    pull.say("Waiting", "c")
    pull.say("Downloading", "b", 100, 1000)
    pull.say("Downloading", "c", 50, 500)
    assert pull.progress == PullProgress(150, 1500, 0.0, 1, 3)


def test_unpacking_counts_as_loaded_and_is_no_loading() -> None:
    pull = Pull()
    pull.say("Downloading", "a", 100, 1000)
    pull.say("Download complete", "a")
    pull.say("Extracting", "a", 30, 1000)
    assert pull.progress == PullProgress(1000, 1000, 0.0, 0, 1)
    pull.say("Pull complete", "a")
    assert pull.progress.layers_done == 1


def test_a_layer_has_its_size_even_if_no_message_of_its_download_came() -> None:
    pull = Pull()
    pull.say("Pulling fs layer", "a")
    pull.say("Extracting", "a", 30, 1000)
    pull.say("Pull complete", "a")
    assert pull.progress == PullProgress(1000, 1000, 0.0, 1, 1)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    pull = Pull()
    pull.say("Downloading", "a", 0, 10_000)
    assert pull.progress.rate == 0.0
    for second in range(1, 21):
        pull.now = float(second)
        pull.say(
            "Downloading", "a", second * 100 if second <= 10 else 1000 + (second - 10) * 500, 10_000
        )
        rate = pull.progress.rate
    assert 400 < rate <= 500


def test_waiting_to_try_again_is_no_progress() -> None:
    pull = Pull()
    pull.now = 1.0
    pull.say("Downloading", "a", 10, 100)
    pull.now = 5.0
    pull.say("Retrying in 5 seconds", "a")
    assert pull.meter.advanced_at == 1.0


def test_a_layer_of_unknown_size_grows() -> None:
    pull = Pull()
    pull.meter.feed({"status": "Downloading", "id": "a", "progressDetail": {"current": 70}})
    assert (pull.progress.current, pull.progress.total) == (70, 70)
