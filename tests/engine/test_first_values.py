"""Settings that get their value at a module's first start: from its data, or from this computer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import pytest

from aiserver_tray.base.errors import BusyError, SettingError
from aiserver_tray.core.core import Core
from aiserver_tray.operations.locks import Work, module_locks
from aiserver_tray.operations.request import Request
from aiserver_tray.system.clock import timezone_name
from tests.engine.built_in import choose_free_ports, healthy
from tests.support.installation import Installation, idle
from tests.support.limits import LIMIT
from tests.support.observed import environment, events, names, said

VERSION = "postgres.POSTGRES_VERSION"
FAR_AWAY = "Antarctica/Troll"
"""A time zone that no computer with these tests has."""


def test_a_home_with_data_of_postgresql_15_has_no_version_set_and_starts_with_15(
    here: Installation, engine: docker.DockerClient
) -> None:
    choose_free_ports(here, "postgres")
    here.set(VERSION, "15")
    here.done("up", "postgres")
    query(engine, "CREATE TABLE kept AS SELECT 7 AS number")
    here.done("down")
    app = here.app
    app.settings.change(app.declared, {VERSION: None})
    before = dangling(engine)

    here.done("up", "postgres")

    assert healthy(engine) == {"ai-postgres"}
    assert query(engine, "SELECT number FROM kept") == "7"
    assert query(engine, "SHOW server_version_num").startswith("15")
    assert stored(here, VERSION) == "15"
    assert names(engine) == {"ai-postgres"}, "what read the volume was left"
    assert dangling(engine) == before
    everywhere_15(here)
    here.set(VERSION, "17")
    error = here.failed("up", "postgres")
    assert (error.code, error.data["remedies"][0]["value"]) == ("E_SETTING", "15")
    assert query(engine, "SELECT number FROM kept") == "7", "it was left alone"


def dangling(engine: docker.DockerClient) -> set[str]:
    """The IDs of the images without a name."""
    return {str(image.id) for image in engine.images.list(filters={"dangling": True})}


def everywhere_15(here: Installation) -> None:
    """See that jobs of other modules and the module's build have the version of the server."""
    targets = here.app.targets
    for module in ("dify", "n8n", "oneapi"):
        services = {service.service: service for service in targets.preview(module).services}
        assert services[f"{module}-database"].image.name == "postgres:15.19-alpine"
    build = targets.resolved("postgres").project.services["postgres"].build
    assert build is not None
    assert build.args["BASE"] == "postgres:15.19-alpine"


def query(engine: docker.DockerClient, sql: str) -> str:
    return said(engine, "ai-postgres", "psql", "-U", "postgres", "-Atc", sql)


def stored(here: Installation, address: str) -> str | None:
    app = here.app
    return app.settings.stored({address: app.declared[address]})[address]


WIKI = "wiki.WIKI_VERSION"


@pytest.fixture
def wiki(here: Installation, engine: docker.DockerClient) -> Installation:
    """A module with data of version 15, which a container has, and no version set."""
    here.write(
        "wiki",
        {"wiki": idle(environment={"V": "${WIKI_VERSION}"}, volumes=["data:/data"])},
        top={"volumes": {"data": {}}},
        settings={
            "WIKI_VERSION": {
                "type": "choice",
                "default": "17",
                "choices": {"15": {}, "17": {}},
                "from_data": {"volume": "data", "file": "VERSION"},
            }
        },
    )
    here.set(WIKI, "15")
    here.done("up", "wiki")
    said(engine, "ai-wiki", "sh", "-c", "echo 15 > /data/VERSION")
    choose(here, None)
    return here


def choose(here: Installation, version: str | None) -> None:
    app = here.app
    app.settings.change(app.declared, {WIKI: version})


@contextmanager
def creating_nothing(engine: docker.DockerClient) -> Iterator[None]:
    begin = time.time()
    yield
    assert events(engine, begin, time.time(), type=["container", "image"], event=MADE) == []


MADE = ["create", "destroy", "delete", "import", "load"]
UP = Request("up", ("wiki",))


def test_previews_know_the_version_of_data_in_a_container_and_change_nothing(
    wiki: Installation, engine: docker.DockerClient
) -> None:
    with wiki.core() as core, creating_nothing(engine):
        assert not len(core.operations.plan(UP)), "version 15 goes on"
        assert not core.operations.effects(UP, {WIKI: "15"}).modules
        refused_17(core)
        assert stored(wiki, WIKI) is None
        choose(wiki, "17")
        assert not core.operations.effects(UP, {WIKI: "15"}).modules
        assert not core.operations.effects(UP, {WIKI: None}).modules, "its data sets it to 15"
        refused_17(core)
    wiki.done("down")
    with wiki.core() as core, creating_nothing(engine):
        assert len(core.operations.plan(UP)), "without a container, the version is unknown"
    error = wiki.failed("up", "wiki")
    assert (error.code, error.data["remedies"][0]["value"]) == ("E_SETTING", "15")


def refused_17(core: Core) -> None:
    with pytest.raises(SettingError, match="was created with 15") as refused:
        core.operations.effects(UP, {WIKI: "17"})
    assert refused.value.data["remedies"][0]["value"] == "15"


def test_a_version_is_stored_under_the_locks_and_reset_with_the_data(
    wiki: Installation, engine: docker.DockerClient
) -> None:
    with wiki.core() as core:
        other = Work("aiserver-tray up wiki", wiki.app.settings.installation_id, str(wiki.home))
        choose(wiki, "15")
        with module_locks(core.engine.info().id, ["wiki"], other):
            operation = core.operations.start(UP)
            core.store.wait_until(lambda _: operation.view.status == "waiting", LIMIT)
            choose(wiki, None)
            assert isinstance(wiki.failed("up", "wiki", wait=False), BusyError)
            assert stored(wiki, WIKI) is None
        assert operation.wait(LIMIT).status == "succeeded"
    assert (stored(wiki, WIKI), environment(engine, "ai-wiki")["V"]) == ("15", "15")

    wiki.done("down", "wiki")
    assert stored(wiki, WIKI) == "15"
    view = wiki.run("down", "wiki", volumes="all")
    [notice] = view.notices
    assert notice.render("en") == (
        f"Deleting the data of wiki also resets {WIKI} from 15 to its default."
    )
    assert stored(wiki, WIKI) is None
    wiki.done("up", "wiki")
    assert (stored(wiki, WIKI), environment(engine, "ai-wiki")["V"]) == (None, "17")


def test_a_new_module_gets_the_computers_time_zone_and_one_with_data_keeps_its_own(
    here: Installation,
) -> None:
    here.write(
        "clock",
        {"clock": idle(environment={"TZ": "${ZONE}"}, volumes=["data:/data"])},
        top={"volumes": {"data": {}}},
        settings={"ZONE": {"type": "timezone", "default": FAR_AWAY}},
    )
    assert here.run("up", "clock").notices == ()
    assert stored(here, "clock.ZONE") == timezone_name()

    app = here.app
    app.settings.change(app.declared, {"clock.ZONE": None})
    view = here.run("up", "clock")

    assert (view.status, stored(here, "clock.ZONE")) == ("succeeded", None)
    assert view.notices == (), "the module's page shows it"
