"""pytest fixtures that give a test the lab's engine. Import them into a ``conftest.py``."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial

import docker
import pytest
from docker.errors import NotFound

from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.leases import lease_any
from tests.lab.place import Place, default_place
from tests.lab.recipes import load_recipes
from tests.lab.registry import RECIPE_LABEL
from tests.support.times import LAB, apart
from tests.support.waiting import eventually

_AT_ONCE = 4
"""How many things are removed at the same time: the engine waits for each container's end."""


@pytest.fixture(scope="session")
def lab() -> Iterator[Place]:
    """The lab of this process."""
    with leased() as place:
        yield place


@contextmanager
def leased() -> Iterator[Place]:
    """A lab that only this block uses, up, with nothing on its engine but images."""
    place, taken = lease_any(default_place())
    with taken:
        with apart(LAB):
            lifecycle.up(place)
        with closing(lab_engine.client(place)) as client:
            _remove(client, _owned(client))  # of a run that was killed
            _remove_other_images(client)
        yield place
        lifecycle.stop(place)


@pytest.fixture
def engine(lab: Place) -> Iterator[docker.DockerClient]:
    """A client of the lab's engine. All that the test leaves there is removed, except images."""
    with borrowed(lab) as client:
        yield client


@contextmanager
def borrowed(lab: Place) -> Iterator[docker.DockerClient]:
    """A client whose containers, volumes and networks are removed at the end, whoever made them."""
    lifecycle.fix(lab)  # an earlier test may have killed it
    with closing(lab_engine.client(lab)) as client:
        before = _owned(client)
        try:
            yield client
        finally:
            lifecycle.fix(lab)  # and so may this one
            _remove(client, _owned(client) - before)


def have_image(client: docker.DockerClient, name: str) -> None:
    """Pull the image *name*, unless the engine has it: asking the registry takes a while."""
    if not client.api.images(name):
        client.images.pull(name)


def _owned(client: docker.DockerClient) -> set[tuple[str, str]]:
    """Kind and id of every container, volume and network of the engine."""
    api = client.api
    return {
        *(("container", found["Id"]) for found in api.containers(all=True)),
        *(("volume", found["Name"]) for found in api.volumes()["Volumes"] or []),
        # Not the engine's own, which have another id after each start.
        *(("network", found["Id"]) for found in api.networks(filters={"type": "custom"})),
    }


def _remove_other_images(client: docker.DockerClient) -> None:
    """Removes the images that earlier tests built, or pulled from elsewhere: only those of the
    table stay, since another pull of them takes long, unless the table has changed since."""
    recipes = load_recipes()
    for image in client.api.images():
        tags = {*(image["RepoTags"] or ())} - {"<none>:<none>"}
        made = (image["Labels"] or {}).get(RECIPE_LABEL)
        kept = {name for name in tags & recipes.keys() if recipes[name].hash == made}
        for name in tags - kept or ({image["Id"]} if not tags else ()):
            with suppress(NotFound):  # it went with another
                client.api.remove_image(name, force=True)
    client.api.prune_images(filters={"dangling": True})


def _remove(client: docker.DockerClient, owned: set[tuple[str, str]]) -> None:
    api = client.api
    removals: dict[str, Callable[[str], None]] = {  # containers first: they use the others
        "container": lambda found: api.remove_container(found, force=True, v=True),
        "network": api.remove_network,
        "volume": api.remove_volume,
    }

    def is_removed(kind: str, found: str) -> bool:
        with suppress(NotFound):  # an anonymous volume goes with its container
            removals[kind](found)
        return True

    def remove(kind: str, found: str) -> None:
        # The engine refuses what a killed process of the test has just asked for.
        eventually(partial(is_removed, kind, found), f"the removal of the {kind} {found}")

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for kind in removals:
            these = [found for its, found in owned if its == kind]
            list(threads.map(partial(remove, kind), these))
