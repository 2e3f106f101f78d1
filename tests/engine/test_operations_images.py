"""Where a service's image comes from: there already, pulled, from a mirror, or built."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from aiserver_tray.base.errors import ImageBuildError, ImagePullError, NameConflictError
from aiserver_tray.model import OperationKind
from aiserver_tray.operations.request import Request
from aiserver_tray.state.reduce import State
from tests.engine.registries.misbehaving import Registry, registry
from tests.lab.engine import registry_address
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, Service, ended, idle
from tests.support.observed import events, facts, names, said
from tests.support.ports import free_port

MISSING = "team/missing:1"
"""What the misbehaving registry says that it does not have."""


@pytest.fixture
def server() -> Iterator[Registry]:
    with registry() as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_built(engine: docker.DockerClient) -> None:
    """A build of an earlier test would be used."""
    for image in engine.images.list():
        forget(engine, *(tag for tag in image.tags if tag.startswith("aiserver/web")))


def forget(engine: docker.DockerClient, *images: str) -> None:
    """Take the names of *images* from the engine."""
    for image in images:
        try:
            engine.images.remove(image, noprune=True)
        except ImageNotFound:
            continue


def built(image: str | None, text: str = "first") -> Service:
    """A service with an image to build from the lab's, which says *text*."""
    dockerfile = f"FROM {IMAGE}\nRUN echo {text} > /text\n"
    service = idle(build={"context": ".", "dockerfile_inline": dockerfile})
    del service["image"]
    return service | ({"image": image} if image else {})


def push_new(engine: docker.DockerClient, repository: str, *more: str) -> str:
    """An image that nobody else has, in a registry and on the engine, with *more* instructions;
    its name."""
    changes = "\n".join(("ENV NEWER=1", *more))
    engine.containers.create(IMAGE).commit(repository, "1", changes=changes)
    engine.images.push(repository, "1")
    return f"{repository}:1"


def pulls(engine: docker.DockerClient, since: float) -> list[str]:
    found = events(engine, since, time.time(), type=["image"], event=["pull"])
    return [event["Actor"]["ID"] for event in found]


def ours(here: Installation, engine: docker.DockerClient) -> list[str]:
    """The images that are remembered as ours, the newest last."""
    return here.app.settings.engines.state(engine.info()["ID"]).images


def image_of(engine: docker.DockerClient, container: str) -> str:
    return str(engine.api.inspect_container(container)["Config"]["Image"])


def test_an_image_that_several_modules_share_is_pulled_once(
    here: Installation, engine: docker.DockerClient
) -> None:
    for name in ("one", "two"):
        here.write(name, {name: idle(), "side": idle()})
    forget(engine, IMAGE)
    since = time.time()

    did = here.done("up", "one", "two")

    assert [step for step in did if step.startswith("pull")] == [f"pull {IMAGE}"]
    assert pulls(engine, since) == [IMAGE]
    since = time.time()
    here.done("down")
    here.done("up", "one")
    assert pulls(engine, since) == [], "it is there"


def test_a_pull_shows_how_far_it_is_in_bytes_and_layers(
    here: Installation, server: Registry
) -> None:
    images = [f"{server.address}/{name}/good:1" for name in ("one", "two")]
    here.write("web", {f"s{i}": {"image": image} for i, image in enumerate(images)})
    seen: dict[str, list[int]] = {}

    def note(state: State) -> None:
        for step in [step for o in state.operations for step in o.steps]:
            seen.setdefault(step.subject, []).append(step.current)

    with here.core() as core:
        core.store.observe(note)
        view = ended(core.operations.start(Request("pull", ("web",))))
    assert view.status == "succeeded", view.error
    assert {*seen} == {*images}
    whole = sum(step.total for step in view.steps)
    assert view.download
    assert (view.download.current, view.download.total, view.download.share) == (whole, whole, 1)
    for step in view.steps:
        loaded = seen[step.subject]
        size = len(server.image(step.subject.split("/", 1)[1].removesuffix(":1")).layer)
        assert (loaded[0], step.current, step.total) == (0, size, size)
        assert loaded == sorted(loaded)
        assert str(step.detail) == "1/1 layers"


def test_mirrors_are_asked_first_and_their_image_gets_its_own_name(
    lab: Place, here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle()})
    closed, mirror = f"127.0.0.1:{free_port()}", registry_address(lab)
    here.set("app.mirrors", f"{closed} {mirror}")
    forget(engine, IMAGE)
    since = time.time()

    here.done("up", "web")

    assert pulls(engine, since) == [f"{mirror}/library/{IMAGE}"]
    assert image_of(engine, "ai-web") == IMAGE
    tags = engine.images.get(IMAGE).tags
    assert [tag for tag in tags if tag.startswith(mirror)] == [], "the mirror's name is gone again"


def test_an_image_pinned_by_digest_is_had_from_a_mirror(
    lab: Place, here: Installation, engine: docker.DockerClient
) -> None:
    name = push_new(engine, f"{registry_address(lab)}/only-at-mirror/pinned", "VOLUME /kept")
    (digest,) = engine.images.get(name).attrs["RepoDigests"]
    engine.images.remove(name, force=True)
    here.set("app.mirrors", registry_address(lab))
    here.write("web", {"web": {**idle(), "image": f"only-at-mirror/pinned@{digest[-71:]}"}})
    since = time.time()

    here.done("up", "web")
    here.done("down", "web")
    here.done("up", "web")

    assert len(pulls(engine, since)) == 1
    assert said(engine, "ai-web", "sh", "-c", "echo $NEWER") == "1"
    assert here.done("up", "web") == []
    (volume,) = engine.volumes.list()
    assert volume.name.startswith("ai-web-web-kept-")
    here.done("down")
    forget(engine, digest)


def test_all_tried_sources_are_reported(
    here: Installation, engine: docker.DockerClient, server: Registry
) -> None:
    mirrors = [f"127.0.0.1:{free_port()}", f"{server.address}/team"]
    here.set("app.mirrors", " ".join(mirrors))
    image = "nobody/busy:1"
    here.write("web", {"web": {"image": image}})

    error = here.failed("up", "web")

    assert isinstance(error, ImagePullError)
    tried = error.data["tried"]
    assert [one["source"] for one in tried] == [*(f"{m}/{image}" for m in mirrors), image]
    assert "refused" in tried[0]["why"]
    assert "too many" in tried[1]["why"].lower()
    assert names(engine) == set()


def test_image_that_no_registry_has_is_built_under_our_name(
    here: Installation, engine: docker.DockerClient, server: Registry
) -> None:
    image = f"{server.address}/{MISSING}"
    here.write("web", {"web": built(image)})

    here.done("up", "web")

    assert image_of(engine, "ai-web") == "aiserver/web/web:1"
    assert said(engine, "ai-web", "cat", "/text") == "first"
    with pytest.raises(ImageNotFound):
        engine.images.get(image)
    assert here.done("up", "web") == []


def test_services_with_one_image_share_the_build_that_one_of_them_has(
    here: Installation, engine: docker.DockerClient, server: Registry
) -> None:
    image = f"{server.address}/{MISSING}"
    services = {"side": idle(), "web": built(image)}
    services["side"]["image"] = image
    here.write("web", services)
    here.done("up", "web")
    services["side"]["environment"] = {"CHANGED": "1"}
    here.write("web", services)

    here.done("up", "web")

    for name in ("ai-web", "ai-web-side"):
        assert image_of(engine, name) == "aiserver/web/web:1"
        assert said(engine, name, "cat", "/text") == "first"


def test_image_is_built_only_if_no_registry_has_it(
    here: Installation, engine: docker.DockerClient, server: Registry
) -> None:
    here.write("web", {"web": built(f"{server.address}/team/broken:1")})
    error = here.failed("up", "web")
    assert isinstance(error, ImagePullError)
    with pytest.raises(ImageNotFound):
        engine.images.get("aiserver/web/web:1")


def test_a_build_that_the_user_asked_for_is_used_by_the_next_up(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": built(IMAGE), "side": idle()})
    here.done("up", "web")
    assert image_of(engine, "ai-web") == IMAGE
    before = facts(engine, "ai-web", "ai-web-side")

    assert here.done("build", "web") == ["build aiserver/web/web:1.37.0"]

    assert facts(engine, *before) == before, "build touches no container"
    here.done("up", "web")
    assert image_of(engine, "ai-web") == "aiserver/web/web:1.37.0"
    assert said(engine, "ai-web", "cat", "/text") == "first"
    assert image_of(engine, "ai-web-side") == "aiserver/web/web:1.37.0", "the same image"
    here.write("web", {"web": built(IMAGE, "second"), "side": idle()})
    here.done("build", "web")
    here.done("up", "web")
    assert said(engine, "ai-web", "cat", "/text") == "second"


def test_a_build_of_another_module_is_never_used(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web-web", {"database": built("other:1.37.0", "foreign")})
    here.write("web", {"web-database": idle()})
    here.done("build", "web-web")

    here.done("up", "web")

    assert image_of(engine, "ai-web-web-database") == IMAGE


def test_a_build_is_not_used_for_the_same_image_of_another_module(
    here: Installation, engine: docker.DockerClient, server: Registry
) -> None:
    image = f"{server.address}/{MISSING}"
    here.write("web", {"web": built(image, "own")})
    here.write("web-two", {"web-two": built(image, "other")})
    here.write("web-without", {"web-without": idle() | {"image": image}})

    # The last one is planned first: the step for the image builds that of web-two.
    error = here.failed("up", "web-without", "web", "web-two")

    assert isinstance(error, ImagePullError)
    assert names(engine) == {"ai-web", "ai-web-two"}
    assert said(engine, "ai-web", "cat", "/text") == "own"
    assert said(engine, "ai-web-two", "cat", "/text") == "other"


def test_an_image_with_a_former_name_is_built_again_once_and_offered_for_removal(
    here: Installation, engine: docker.DockerClient
) -> None:
    former, unknown = "aiserver/web-web", "aiserver/gone-web"
    for name in (former, unknown):
        engine.containers.create(IMAGE).commit(name, "1.37.0", changes=f"ENV FORMER={name}")
    here.write("web", {"web": built(IMAGE)})
    user = engine.containers.create(f"{former}:1.37.0")

    assert "build aiserver/web/web:1.37.0" in here.done("up", "web")

    assert said(engine, "ai-web", "cat", "/text") == "first"
    assert here.done("up", "web") == []
    assert "images that are no longer used" not in here.cli.run("doctor").output
    user.remove()
    told = here.cli.run("doctor").output
    assert f"Remove them with: docker image rm {former}:1.37.0\n" in told
    forget(engine, f"{unknown}:1.37.0")


@pytest.mark.parametrize("kind", ["pull", "build"])
def test_pull_without_a_name_pulls_the_images_of_chosen_and_required_modules(
    here: Installation, kind: OperationKind
) -> None:
    here.write("base", {"base": built("nobody/base:1")}, kind="basic")
    here.write("web", {"web": built("nobody/web:1")}, requires=["base"])
    here.write("other", {"other": built("nobody/other:1")})
    here.app.settings.choose(["web"])
    with here.core() as core:
        bare = core.operations.plan(Request(kind))
        named = core.operations.plan(Request(kind, ("web",)))
    assert [step.module for step in bare] == ["base", "web"]
    assert [step.module for step in named] == ["web"]


def test_a_service_without_an_image_is_built_once_for_each_installation(
    here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    image = "aiserver/web/web:local"
    here.write("web", {"web": built(None)})
    engine.images.get(IMAGE).tag(image)
    assert f"build {image}" in here.done("up", "web"), "this name alone is no proof"
    assert image_of(engine, "ai-web") == image
    users = engine.containers.create(image, name="users")
    here.done("down")
    assert names(engine) == {"users"}, "the image's label makes no container ours"
    users.remove()
    assert f"build {image}" not in here.done("up", "web")
    here.done("down")

    other = Installation(tmp_path / "other", here.catalog, here.host)
    other.trust()

    assert f"build {image}" in other.done("up", "web")
    other.done("down")


def test_only_pulled_and_built_images_are_remembered(
    lab: Place, here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": built(None), "side": idle()})
    here.done("up", "web")
    here.done("pull", "web")
    own = engine.images.get("aiserver/web/web:local").id
    assert ours(here, engine) == [own], "the other was there"
    here.done("down")
    forget(engine, IMAGE)
    here.set("app.mirrors", registry_address(lab))

    here.done("up", "web")

    assert ours(here, engine) == [own, engine.images.get(IMAGE).id]


def test_a_build_that_fails_is_reported_with_its_last_lines(
    here: Installation, engine: docker.DockerClient
) -> None:
    dockerfile = f"FROM {IMAGE}\nRUN echo begins && echo no compiler && exit 3\n"
    service = {"build": {"context": ".", "dockerfile_inline": dockerfile}}
    here.write("web", {"web": service})
    error = here.failed("up", "web")
    assert isinstance(error, ImageBuildError)
    assert {"begins", "no compiler"} <= {line.strip() for line in error.data["lines"]}
    assert "3" in str(error)
    assert str(error).endswith("aiserver-tray build web")
    assert names(engine) == set()


def test_pull_policy_never_pulls_nothing(
    here: Installation, engine: docker.DockerClient, server: Registry
) -> None:
    image = f"{server.address}/team/good:1"
    here.write("web", {"web": {"image": image, "pull_policy": "never"}})
    error = here.failed("up", "web")
    assert isinstance(error, ImagePullError)
    assert server.asked == []
    assert f"docker pull {image}" in str(error)
    assert "mirrors" not in str(error)
    assert error.data == {"image": image, "tried": [], "notFound": False}


def test_conflicts_are_reported_before_an_image_is_pulled_again(
    here: Installation, engine: docker.DockerClient, server: Registry
) -> None:
    image = f"{server.address}/{MISSING}"
    here.write("web", {"web": {"image": image, "pull_policy": "always"}})
    foreign = engine.containers.create(IMAGE, name="ai-web")

    error = here.failed("up", "web")

    assert isinstance(error, NameConflictError)
    assert server.asked == []
    assert here.app.settings.engines.state(engine.info()["ID"]).desired == []
    foreign.remove()
    assert isinstance(here.failed("up", "web"), ImagePullError)
    assert here.app.settings.engines.state(engine.info()["ID"]).desired == ["web"]


def test_pull_policy_always_pulls_and_recreates_only_for_a_new_image(
    lab: Place, here: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    name = f"{registry_address(lab)}/aiserver-test/changing"
    engine.images.get(IMAGE).tag(name, "1")
    engine.images.push(name, "1")
    here.write("web", {"web": {**idle(), "image": f"{name}:1", "pull_policy": "always"}})
    here.done("up", "web")
    shown = here.cli.run("up", "web", "--dry-run", "--json").succeeded()
    assert [step["id"] for step in json.loads(shown.output)] == [f"pull {name}:1"]
    assert "only if its image changes" in shown.errors
    before, since = facts(engine, "ai-web"), time.time()
    here.done("up", "web")
    assert pulls(engine, since) == [f"{name}:1"]
    assert facts(engine, "ai-web") == before
    engine.images.remove(push_new(engine, name), force=True)

    here.done("up", "web")

    assert said(engine, "ai-web", "sh", "-c", "echo $NEWER") == "1"
