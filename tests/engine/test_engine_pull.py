"""Pulling images, from the lab's registry and from registries that go wrong."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import docker
import pytest

from aiserver_tray.base.errors import CancelledError, EngineDownError, ImagePullError
from aiserver_tray.catalog.image_sizes import RecordedSizes
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.values import PullProgress
from tests.engine.our_engine import BODY, BUSYBOX, core
from tests.engine.registries.misbehaving import LAYER_SIZE, Registry, registry
from tests.lab import engine as lab_engine
from tests.lab import lifecycle
from tests.lab.place import Place
from tests.lab.registry import record_sizes
from tests.support.limits import LIMIT

__all__ = ["core"]

TIMEOUT_SECONDS = 1.5
"""Seconds; what is to answer may need longer on a busy machine."""


@pytest.fixture
def bad(lab: Place, engine: docker.DockerClient) -> Iterator[Registry]:
    """A registry for each test; what was pulled from it goes at the end."""
    with registry() as bad:
        yield bad
    lifecycle.up(lab)  # the test may have killed it
    for image in engine.images.list():
        for name in (*image.tags, *image.attrs["RepoDigests"]):
            if name.startswith(("127.0.0.1:", "lab.example/", "only-at-mirror")):
                with suppress(docker.errors.ImageNotFound):
                    engine.images.remove(name, force=True)


@pytest.fixture
def hasty(lab: Place, engine: docker.DockerClient) -> Iterator[Engine]:
    """An engine that gives up a source soon."""
    with closing(Engine(lab.host, stall_timeout=TIMEOUT_SECONDS)) as hasty:
        yield hasty


def failure(core: Engine, name: str, *mirrors: str) -> ImagePullError:
    with pytest.raises(ImagePullError) as caught:
        core.images.pull(name, mirrors=mirrors, cancelled=Cancellation())
    return caught.value


def test_progress_is_reported_up_to_the_last_byte_and_layer(core: Engine, bad: Registry) -> None:
    seen: list[PullProgress] = []

    def see(progress: PullProgress) -> None:
        seen.append(progress)
        if any(0 < layer.current < layer.total for layer in progress.layers.values()):
            bad.enough.set()

    name = f"{bad.address}/x/gradual:1"
    image = core.images.pull(name, on_progress=see, cancelled=Cancellation())
    assert bad.enough.is_set()
    assert image == core.images.find(name)
    assert (image.reference, image.size) == (name, LAYER_SIZE)
    (layer,) = seen[-1].layers.values()
    assert layer.current == layer.total > LAYER_SIZE
    assert layer.state == "unpacked"


def test_the_size_of_an_image_is_known_before_it_is_pulled(
    core: Engine, lab: Place, tmp_path: Path
) -> None:
    """The lab's registry is the engine's mirror, as the engine tells."""
    record_sizes(lab, [BUSYBOX], tmp_path)
    platform = core.info().platform
    recorded = RecordedSizes([tmp_path]).of(BUSYBOX, platform)
    assert recorded
    assert core.image_size(BUSYBOX, platform, (), "") == recorded
    assert recorded.download == sum(recorded.layers.values()) > 0


def test_pull_of_a_present_image_succeeds(core: Engine) -> None:
    cancelled = Cancellation()
    assert core.images.pull(BUSYBOX, cancelled=cancelled) == core.images.find(BUSYBOX)


def goes_wrong(core: Engine, name: str, why: str) -> None:
    error = failure(core, name)
    assert error.data["tried"] == [{"source": name, "why": error.data["tried"][0]["why"]}]
    assert why in str(error)
    assert "Check the network" in str(error)
    assert not error.not_found
    assert core.images.find(name) is None


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [("busy", "toomanyrequests: too many pulls"), ("broken", "500 Internal Server Error")],
)
def test_a_registry_that_answers_with_an_error_is_named_with_it(
    core: Engine, bad: Registry, behaviour: str, why: str
) -> None:
    goes_wrong(core, f"{bad.address}/x/{behaviour}:1", why)


@pytest.mark.parametrize("behaviour", ["silent", "half", "stuck"])
def test_a_registry_that_does_not_go_on_is_named_with_the_time(
    hasty: Engine, bad: Registry, behaviour: str
) -> None:
    goes_wrong(hasty, f"{bad.address}/x/{behaviour}:1", "no progress for 2 s")


def test_a_missing_image_is_distinguished_from_one_that_can_not_be_pulled(
    core: Engine, bad: Registry
) -> None:
    assert failure(core, f"{bad.address}/x/missing:1").not_found
    assert not failure(core, "127.0.0.1:1/x:1").not_found


# -- mirrors -----------------------------------------------------------------------------------


def test_the_first_mirror_that_works_gives_the_image_its_own_name(
    core: Engine, engine: docker.DockerClient, bad: Registry
) -> None:
    """`only-at-mirror/good` is not at Docker Hub's mirror of the lab."""
    mirrors = [f"{bad.address}/x", "127.0.0.1:1", bad.address]
    name = "only-at-mirror/good:1"
    bad.fail("x/only-at-mirror/good", "broken")
    image = core.images.pull(name, mirrors=mirrors, cancelled=Cancellation())
    assert image.reference == name
    tags = [tag for found in engine.images.list() for tag in found.tags]
    assert name in tags
    assert not [tag for tag in tags if tag.startswith(bad.address)]
    assert [path for path in bad.asked if "/manifests/" in path][-1].startswith(
        "/v2/only-at-mirror/good/"
    )


def test_an_image_that_had_the_mirrors_name_before_keeps_it(
    core: Engine, engine: docker.DockerClient, bad: Registry
) -> None:
    theirs = f"{bad.address}/only-at-mirror/good:1"
    engine.images.pull(theirs)
    core.images.pull("only-at-mirror/good:1", mirrors=[bad.address], cancelled=Cancellation())
    assert core.images.find(theirs) is not None


def test_all_sources_are_reported_where_none_has_it(core: Engine, bad: Registry) -> None:
    error = failure(core, "missing:1", f"{bad.address}/busy", f"{bad.address}")
    sources = [tried["source"] for tried in error.data["tried"]]
    assert sources == [
        f"{bad.address}/busy/library/missing:1",
        f"{bad.address}/library/missing:1",
        "missing:1",
    ]
    assert all(source in str(error) for source in sources)


def test_wrong_name_of_a_mirror_counts_as_a_failed_source(core: Engine) -> None:
    found = core.images.pull(BUSYBOX, mirrors=["NOT A NAME"], cancelled=Cancellation())
    assert found.reference == BUSYBOX


def test_an_image_by_its_digest_is_found_whatever_mirror_it_came_from(
    core: Engine, bad: Registry
) -> None:
    digest = bad.image("only-at-mirror/good").digest
    name = f"only-at-mirror/good:1@{digest}"
    image = core.images.pull(name, mirrors=[bad.address], cancelled=Cancellation())
    assert image.reference == image.id
    assert core.images.find(name) == image
    core.containers.create("ai-digest", {**BODY, "Image": image.reference})
    assert core.images.find(f"only-at-mirror/good@sha256:{'0' * 64}") is None


# -- cancelling, logins, a lost engine ---------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["silent", "stuck"])
def test_a_pull_that_hangs_can_be_cancelled(core: Engine, bad: Registry, behaviour: str) -> None:
    cancelled = Cancellation()

    def cancel() -> None:
        if bad.waiting.wait(LIMIT):
            cancelled.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(CancelledError):
        core.images.pull(f"{bad.address}/x/{behaviour}:1", cancelled=cancelled)
    canceller.join()


def test_a_cancelled_operation_pulls_nothing(core: Engine, bad: Registry) -> None:
    cancelled = Cancellation()
    cancelled.set()
    with pytest.raises(CancelledError):
        core.images.pull(f"{bad.address}/x/good:1", cancelled=cancelled)
    assert core.images.find(f"{bad.address}/x/good:1") is None


def test_a_lost_engine_ends_the_pull(core: Engine, bad: Registry, lab: Place) -> None:
    def kill() -> None:
        if bad.waiting.wait(LIMIT):
            lab_engine.kill(lab)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(EngineDownError):
        core.images.pull(f"{bad.address}/x/stuck:1", cancelled=Cancellation())
    killer.join()


def write_logins(folder: Path, monkeypatch: pytest.MonkeyPatch, content: object) -> None:
    (folder / "config.json").write_text(json.dumps(content))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def test_the_login_of_the_users_docker_goes_to_its_registry_alone(
    core: Engine, bad: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad.login = "me:my-password"
    auth = base64.b64encode(b"me:my-password").decode()
    write_logins(tmp_path, monkeypatch, {"auths": {"other.example": {"auth": auth}}})
    assert failure(core, f"{bad.address}/x/good:1").data["tried"]
    write_logins(tmp_path, monkeypatch, {"auths": {bad.address: {"auth": auth}}})
    core.images.pull(f"{bad.address}/x/good:1", cancelled=Cancellation())
    bad.login = "me:another"
    assert "my-password" not in str(failure(core, f"{bad.address}/x/good:2"))


def test_logins_that_can_not_be_read_are_reported_where_the_pull_fails(
    core: Engine, bad: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_logins(tmp_path, monkeypatch, {"credsStore": "no-such-helper"})
    core.images.pull(f"{bad.address}/x/good:1", cancelled=Cancellation())
    error = failure(core, f"{bad.address}/x/missing:1")
    assert "docker login" in str(error)
    assert "docker-credential-no-such-helper is not installed" in str(error)
