"""Settings that get their value at a module's first start: from its data, or from this computer."""

import docker

from aiserver_tray.system.clock import timezone_name
from tests.engine.built_in import choose_free_ports, healthy
from tests.support.installation import Installation, idle
from tests.support.observed import names, said

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

    here.done("up", "postgres")

    assert healthy(engine) == {"ai-postgres"}
    assert query(engine, "SELECT number FROM kept") == "7"
    assert query(engine, "SHOW server_version_num").startswith("15")
    assert stored(here, VERSION) == "15"
    assert names(engine) == {"ai-postgres"}, "what read the volume was left"
    assert engine.images.list(filters={"dangling": True}) == []
    everywhere_15(here)
    here.set(VERSION, "17")
    error = here.failed("up", "postgres")
    assert (error.code, error.data["remedies"][0]["value"]) == ("E_SETTING", "15")
    assert query(engine, "SELECT number FROM kept") == "7", "it was left alone"


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
