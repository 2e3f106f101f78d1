"""An upgrade without the download beside what one would do by hand: stop, remove, and start with
the next image; alone, and with its rehearsal."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import docker

from tests.bench.backup import FILL
from tests.bench.result import Results, compare
from tests.bench.sides import Tray
from tests.lab.fixtures import borrowed, have_image
from tests.lab.place import Place
from tests.support.host_process import hosted
from tests.support.installation import IMAGE, Installation, checked
from tests.support.observed import said
from tests.support.waiting import eventually

OURS, THEIRS, TEST = "ai-bench", "theirs", "test -d /data"
_MOST_VERSIONS = 100


def write(here: Installation) -> None:
    """A module with data in a volume, and versions that differ only by their tags."""
    service = checked(TEST, volumes=["data:/data"], image="bench:${BENCH_VERSION}")
    here.write(
        "bench",
        {"bench": service},
        top={"volumes": {"data": {}}},
        settings={"BENCH_VERSION": {"default": "1.0", "title": {"en": "Version", "zh": "版本"}}},
        updates=[{"setting": "BENCH_VERSION", "images": ["bench"], "range": ">=1 <2"}],
    )


class _Sides:
    """The data twice, each with a container that uses it: in a module, and in one of Docker's."""

    def __init__(self, tray: Tray, client: docker.DockerClient) -> None:
        self._tray = tray
        self._client = client
        self._ours, self._theirs = count(1), count(1)

    def direct(self) -> None:
        self._upgrade("--direct")

    def rehearsed(self) -> None:
        self._upgrade()

    def _upgrade(self, *options: str) -> None:
        self._tray.run("upgrade", "bench", "--to", f"1.{next(self._ours)}", *options)

    def by_hand(self) -> None:
        """``docker stop``, ``docker rm`` and ``docker run``, until it is healthy again."""
        container = self._client.containers.get(THEIRS)
        container.stop()
        container.remove()
        self.start(f"bench:1.{next(self._theirs)}")

    def start(self, image: str) -> None:
        api = self._client.api
        config = api.create_container_config(image, ["sleep", "86400"])
        # Written here, as the SDK drops keys that it does not know.
        check = {"Test": ["CMD-SHELL", TEST], "Interval": 30 * 10**9, "StartPeriod": 60 * 10**9}
        config["Healthcheck"] = check | {"StartInterval": 10**8}
        config["HostConfig"] = {"Binds": [f"{THEIRS}:/data"], "Init": True}
        api.start(api.create_container_from_config(config, THEIRS))
        eventually(lambda: self._client.containers.get(THEIRS).health == "healthy", "its health")


@contextmanager
def _staged(lab: Place) -> Iterator[_Sides]:
    with tempfile.TemporaryDirectory() as name, borrowed(lab) as client:
        here = Installation(Path(name, "home"), Path(name, "catalog"), lab.host)
        have_image(client, IMAGE)
        for number in range(_MOST_VERSIONS):
            client.images.get(IMAGE).tag("bench", f"1.{number}")
        write(here)
        with hosted(here.cli):
            tray = Tray(here.home, here.catalog, here.host)
            tray.run("up", "bench")
            sides = _Sides(tray, client)
            sides.start("bench:1.0")
            for container in (OURS, THEIRS):
                said(client, container, "sh", "-c", FILL)
            yield sides
        for number in range(_MOST_VERSIONS):
            client.images.remove(f"bench:1.{number}", noprune=True)


def upgrade(lab: Place, pairs: int) -> Results:
    """The seconds of an upgrade, and of one after its rehearsal, beside those of the same change by
    hand, which keeps no way back."""
    with _staged(lab) as sides:
        return {
            "upgrade": compare(sides.direct, sides.by_hand, pairs),
            "upgrade-rehearsed": compare(sides.rehearsed, sides.by_hand, pairs),
        }
