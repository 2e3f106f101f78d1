"""Where the lab keeps its things, and the names it gives them on this machine."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from developer.cache import LAB, cache_folder, writable

VARIABLE = "AISERVER_LAB"
"""Environment variable that names another state folder, and thereby another lab."""


class LabError(Exception):
    """The lab can't do what was asked; the text says why and what to do."""


@dataclass(frozen=True)
class Place:
    """One lab: a state folder, and names derived from it that no other lab on the machine has.

    Attributes:
        state: The folder.
        images_of: The lab whose registry's storage this one uses; None where it has its own.
    """

    state: Path
    images_of: "Place | None" = None

    @property
    def name(self) -> str:
        """Short enough for a network interface (15 bytes); the same by whatever path one comes."""
        found = self.state.stat()
        return "ailab-" + hashlib.sha256(f"{found.st_dev}:{found.st_ino}".encode()).hexdigest()[:8]

    @property
    def run(self) -> Path:
        """Sockets and configuration; below /run, since a socket's path has at most 107 bytes."""
        return Path("/run") / self.name

    @property
    def socket(self) -> Path:
        return self.run / "docker.sock"

    @property
    def host(self) -> str:
        """The engine's address in the form of ``DOCKER_HOST``."""
        return f"unix://{self.socket}"

    @property
    def engine_config(self) -> Path:
        return self.run / "daemon.json"

    @property
    def registry_config(self) -> Path:
        return self.run / "registry.yml"

    @property
    def data(self) -> Path:
        """The engine's images, containers and volumes; removed by ``down``."""
        return self.state / "engine"

    @property
    def disk(self) -> Path:
        """An image of a file system that holds the engine's data, if there is one: a test of a
        full disk makes it. It is mounted in the engine's namespace only."""
        return self.state / "disk.img"

    @property
    def temporary(self) -> Path:
        """For temporary files of what runs: one that is killed leaves them."""
        return self.state / "tmp"

    @property
    def cluster(self) -> Path:
        """The data of a cluster's engines, while a test has one (`tests.lab.swarm`)."""
        return self.state / "cluster"

    @property
    def registry(self) -> Path:
        """The registry's storage: what ``down`` leaves for the next ``up``."""
        return self.images_of.registry if self.images_of else self.state / "registry"

    def for_tests(self, number: int) -> "Place":
        """A lab for tests alone, with the images of this one."""
        return self._with_these_images(self.state / "tests" / str(number))

    def for_demo(self) -> "Place":
        """A lab to look at, with the images of this one."""
        return self._with_these_images(self.state / "demo")

    def _with_these_images(self, state: Path) -> "Place":
        state.mkdir(parents=True, exist_ok=True)
        return Place(state, self)

    @property
    def test_labs(self) -> "list[Place]":
        """The labs `for_tests` of this one that there are."""
        folders = sorted(self.state.glob("tests/*/"))
        return [Place(folder, self) for folder in folders]

    @property
    def log(self) -> Path:
        """What registry, engine and containerd said since the last start."""
        return self.state / "engine.log"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps all other processes from changing the lab, by a lock on its folder."""
        while True:
            self.state.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.state, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                if self._is(folder):
                    yield
                    return
            finally:
                os.close(folder)

    def _is(self, folder: int) -> bool:
        """Whether an open folder is still the state folder: one who waited may find it purged."""
        return self.state.exists() and os.path.samestat(self.state.stat(), os.fstat(folder))


def default_place() -> Place:
    """The machine's lab: one for all checkouts, in the user's cache folder. Exits if nothing can
    be written there."""
    chosen = os.environ.get(VARIABLE)
    return Place(writable(Path(chosen).absolute()) if chosen else cache_folder(LAB))
