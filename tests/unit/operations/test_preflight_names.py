"""Names that others have, missing external objects, and volumes made with other secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError, NameConflictError, SettingError
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.operations.preflight.preflight import problems
from aiserver_tray.operations.preflight.volumes import KEEP, keep_labels, with_keep_labels
from aiserver_tray.operations.survey import Found, Machine, Survey
from aiserver_tray.settings.secrets import Secrets
from aiserver_tray.settings.store import Settings
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.system.paths import Home
from tests.support.preflight_targets import OURS, module_of, service_of, target_of

MACHINE = Machine(memory=2**40)
THEIRS = {labels.INSTALLATION: "22222222-theirs", labels.MODULE: "web"}
MINE = {labels.INSTALLATION: OURS.installation, labels.MODULE: "web"}
FILE = service_of("page", "volumes: [data:/data]") + "\nvolumes: {data: {}}\n"


def container(name: str, labelled: Mapping[str, str]) -> ContainerSummary:
    return ContainerSummary("id-" + name, name, labelled, "exited", "none", "i", "sha256:1", ())


def there(
    containers: Mapping[str, Mapping[str, str]] | None = None,
    networks: Mapping[str, Mapping[str, str]] | None = None,
    volumes: Mapping[str, Mapping[str, str]] | None = None,
) -> Survey:
    """What is on the engine: labels by name."""
    return Survey(
        OURS.installation,
        tuple(container(name, found) for name, found in (containers or {}).items()),
        {name: Found(name, found) for name, found in (networks or {}).items()},
        {name: Found(name, found) for name, found in (volumes or {}).items()},
    )


def on_shared(name: str, *aliases: str, more: str = "init: true") -> str:
    attached = f"networks: {{ai-net: {{aliases: [{', '.join(aliases)}]}}}}"
    return service_of(name, attached, more) + "\nnetworks: {ai-net: {external: true}}\n"


@pytest.fixture
def web(tmp_path: Path) -> ModuleTarget:
    return target_of(tmp_path, "web", FILE)


def mine_of(module: str) -> Mapping[str, str]:
    return {labels.INSTALLATION: OURS.installation, labels.MODULE: module}


def refusal(targets: Sequence[ModuleTarget], survey: Survey) -> str:
    """What the one error says that the files of *targets* are refused with."""
    (error,) = problems(targets, survey, MACHINE)
    assert isinstance(error, CatalogError)
    return str(error)


def test_own_objects_and_similar_names_are_no_conflict(web: ModuleTarget) -> None:
    alike = {"ai-web-page-2": {}, "web-page": {}, "xai-web-page": {}, "ai-web": THEIRS}
    ours = there({"ai-web-page": MINE}, {"ai-web": MINE}, {"ai-web-data": MINE})
    similar = there(alike, {"ai-web-page": {}}, {"web_data": {}, "ai-web-data2": THEIRS})
    for survey in (there(), ours, similar):
        assert problems([web], survey, MACHINE) == []


def test_data_and_configuration_files_never_get_one_volume(
    web: ModuleTarget, tmp_path: Path
) -> None:
    config = {**MINE, labels.CONFIG_OF: "page"}
    (error,) = problems([web], there(volumes={"ai-web-data": config}), MACHINE)
    assert isinstance(error, CatalogError)
    assert "aiserver-tray down web" in str(error)
    assert error.problems[0].place.key == "volumes"

    files = "read_only: true", "configs: [{source: c, target: /etc/c}]"
    text = service_of("page", *files) + "\nconfigs: {c: {content: c}}\n"
    configured = target_of(tmp_path / "configured", "web", text)
    name = "ai-web-page-config"
    (error,) = problems([configured], there(volumes={name: MINE}), MACHINE)
    assert isinstance(error, CatalogError)
    assert name in str(error)
    assert error.problems[0].place.key == "services.page"
    assert problems([configured], there(volumes={name: config}), MACHINE) == []
    foreign = {**config, labels.INSTALLATION: "another"}
    (conflict,) = problems([configured], there(volumes={name: foreign}), MACHINE)
    assert isinstance(conflict, NameConflictError), "reported once"


def test_every_name_that_another_has_is_reported_at_once(web: ModuleTarget) -> None:
    taken = there({"ai-web-page": THEIRS}, {"ai-web": {}}, {"ai-web-data": {"x": "y"}})
    errors = problems([web], taken, MACHINE)
    assert [type(error) for error in errors] == [NameConflictError] * 3
    keys = ("kind", "name", "installation", "home")
    assert [tuple(error.data[key] for key in keys) for error in errors] == [
        ("container", "ai-web-page", "22222222-theirs", None),
        ("network", "ai-web", None, None),
        ("volume", "ai-web-data", None, None),
    ]


def test_the_shared_network_of_another_is_reported_once(tmp_path: Path) -> None:
    targets = [target_of(tmp_path, name, on_shared(name)) for name in ("a", "b")]
    for labelled in ({}, THEIRS):
        (error,) = problems(targets, there(networks={"ai-net": labelled}), MACHINE)
        assert isinstance(error, NameConflictError)
        assert error.data["name"] == "ai-net"
    ours = {labels.INSTALLATION: OURS.installation}
    for survey in (there(), there(networks={"ai-net": ours})):
        assert problems(targets, survey, MACHINE) == []


def test_a_missing_external_object_is_reported_with_its_place_unless_a_module_makes_it(
    web: ModuleTarget, tmp_path: Path
) -> None:
    file = (
        service_of("s", "networks: [lan]", "volumes: [pool:/pool]")
        + "\nnetworks:\n  lan: {external: true, name: office}\nvolumes:\n  pool: {external: true}\n"
    )
    target = target_of(tmp_path, "a", file)
    path = tmp_path / "a/compose.yaml"
    assert [str(error) for error in problems([target], there(), MACHINE)] == [
        f"{path}:7: networks.lan: the external network office does not exist. "
        "Create it with: docker network create office",
        f"{path}:9: volumes.pool: the external volume pool does not exist. "
        "Create it with: docker volume create pool",
    ]
    made = there(networks={"office": {}}, volumes={"pool": THEIRS})
    assert problems([target], made, MACHINE) == []

    data = "\nvolumes:\n  data: {external: true, name: ai-web-data}\n"
    other = target_of(tmp_path, "other", service_of("s", "volumes: [data:/d]") + data)
    assert problems([other, web], there(), MACHINE) == []
    assert "ai-web-data does not exist" in refusal([other], there())


def test_two_modules_that_come_to_one_name_are_refused(tmp_path: Path) -> None:
    one, two = (
        target_of(
            tmp_path, name, service_of("s", f"volumes: ['{of}:/d']") + f"\nvolumes: {{{of}: }}"
        )
        for name, of in (("a", "b-data"), ("a-b", "data"))
    )
    told = "the module a already uses the volume ai-a-b-data."
    assert told in refusal([one, two], there())
    assert told in refusal([two], there(volumes={"ai-a-b-data": mine_of("a")}))


def test_a_name_on_the_shared_network_that_two_modules_have_is_reported_for_both_files(
    tmp_path: Path,
) -> None:
    one = target_of(tmp_path, "one", on_shared("db"))
    two = target_of(tmp_path, "two", on_shared("store", "DB"))
    alone = target_of(tmp_path, "alone", service_of("db"))
    assert problems([one, alone], there(), MACHINE) == []
    (error,) = problems([one, two, alone], there(), MACHINE)
    assert isinstance(error, CatalogError)
    files = [tmp_path / name / "compose.yaml" for name in ("one", "two")]
    assert {problem.place.file for problem in error.problems} == {*files}
    for file, name in zip(files, ("db", "DB"), strict=True):
        assert f"expected a unique name on ai-net; {file} also uses {name}. Rename" in str(error)


def test_every_name_that_another_modules_container_has_on_the_shared_network_is_reported(
    tmp_path: Path,
) -> None:
    two = target_of(tmp_path, "two", on_shared("store", "db"))

    def beside(
        module: str, network: str, service: str = "db", made: Mapping[str, str] | None = None
    ) -> Survey:
        of_it = made or {**mine_of(module), labels.SERVICE: service}
        found = container(f"ai-{module}-{service}", of_it)
        return replace(there(), containers=(replace(found, networks=frozenset({network})),))

    for module, network in (("one", "ai-one"), ("two", "ai-net")):
        assert problems([two], beside(module, network), MACHINE) == []
    told = "a container of the module one already uses {}."
    assert told.format("db") in refusal([two], beside("one", "ai-net"))

    one = target_of(tmp_path, "one", on_shared("api", "llm", "db", more="hostname: Models"))
    of_one = beside("one", "ai-net", "api", one.services[0].body["Labels"])
    assert problems([one], of_one, MACHINE) == []
    for name in ("LLM", "api", "models", "ai-one-api"):
        same = target_of(tmp_path, name, on_shared("other", more=f"hostname: {name}"))
        assert told.format(name) in refusal([same], of_one)
        assert refusal([same, one], there()).count("expected a unique name on ai-net") == 2


# -- volumes and secrets ---------------------------------------------------------------------------

KEEPING = """
x-aiserver:
  kind: feature
  settings:
    KEY: {type: secret, generate: hex32, keep: true}
    TOKEN: {type: secret, generate: hex32}
    LATER: {type: secret, keep: true}
services:
  page:
    image: busybox:1.37.0
    environment: [KEY, TOKEN, LATER]
    volumes: [data:/data, more:/more, "foreign:/foreign"]
volumes:
  data: {labels: {mine: "yes"}}
  more: {}
  foreign: {external: true}
"""
KEY = "KEY: {type: secret, generate: hex32, keep: true}"

Made = dict[str, Mapping[str, str]]


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    settings = Settings(Home(tmp_path / "home", "home"))
    settings.values(
        {f"web.{name}": Setting(type="secret", generate="hex32") for name in ("KEY", "TOKEN")}
    )
    return settings.secrets


@pytest.fixture
def keeping(tmp_path: Path, secrets: Secrets) -> ModuleTarget:
    return with_keep_labels(target_of(tmp_path / "old", "web", KEEPING), secrets)


@pytest.fixture
def made(keeping: ModuleTarget) -> Made:
    """The volumes that were made for it."""
    return {volume.name: volume.body.get("Labels", {}) for volume in keeping.volumes}


def of_secrets(target: ModuleTarget, volumes: Made) -> list[str]:
    """What the settings are refused with where *volumes* are there."""
    errors = problems([target], there(volumes=volumes), MACHINE)
    assert all(isinstance(error, SettingError) for error in errors)
    return [*map(str, errors)]


def test_new_volumes_carry_the_fingerprints_of_the_secrets_that_are_kept(
    keeping: ModuleTarget, made: Made, secrets: Secrets, tmp_path: Path
) -> None:
    label = {f"{KEEP}web.KEY": secrets.fingerprint("web.KEY")}
    assert keep_labels(keeping.module, secrets) == label
    for name in ("ai-web-data", "ai-web-more"):
        assert made[name].items() >= label.items()
        assert made[name][labels.MODULE] == "web"
    assert made["ai-web-data"]["mine"] == "yes"
    assert not any(key.startswith(KEEP) for key in made["foreign"])
    bodies = str([volume.body for volume in keeping.volumes])
    assert secrets.values(["web.KEY"])["web.KEY"] not in bodies

    needs_none = module_of(tmp_path, "web", FILE)
    unreadable = Settings(Home(tmp_path / "web/compose.yaml", "home")).secrets
    assert keep_labels(needs_none, unreadable) == {}


def test_volumes_made_with_another_secret_are_reported_with_the_setting(
    keeping: ModuleTarget, made: Made, secrets: Secrets
) -> None:
    assert of_secrets(keeping, made) == []
    before_it_was_kept: Made = {"ai-web-data": MINE, "ai-web-more": MINE, "foreign": {}}
    assert of_secrets(keeping, before_it_was_kept) == []
    other: Made = {name: {**of, f"{KEEP}web.KEY": "0" * 64} for name, of in made.items()}
    other["foreign"] = {f"{KEEP}web.KEY": "1"}
    told = (
        "web.KEY: the data in ai-web-data, ai-web-more was created with another value of this "
        "secret, and can't be used with the current one. Restore secrets.json of this home "
        "folder from a backup, or delete the data and start over: aiserver-tray down web "
        "--volumes"
    )
    assert of_secrets(keeping, other) == [told]
    secrets.change({"web.KEY": None}, ())
    assert of_secrets(with_keep_labels(keeping, secrets), made) == [told], "it was lost"

    foreign = {"ai-web-data": THEIRS | {f"{KEEP}web.KEY": "0" * 64}, "foreign": {}}
    (error,) = problems([keeping], there(volumes=foreign), MACHINE)
    assert isinstance(error, NameConflictError), "and only this"


@pytest.mark.parametrize("value", [None, "made by a pull"])
def test_a_secret_with_another_name_is_reported(
    made: Made, tmp_path: Path, secrets: Secrets, value: str | None
) -> None:
    renamed = target_of(tmp_path / "new", "web", KEEPING.replace("KEY", "MASTER"))
    if value:
        secrets.change({"web.MASTER": value}, ())
    (error,) = problems([with_keep_labels(renamed, secrets)], there(volumes=made), MACHINE)
    assert isinstance(error, SettingError)
    assert str(error) == (
        "web.MASTER: the data in ai-web-data, ai-web-more was created with the secret web.KEY, "
        "which the module's file no longer declares. It can't be used with a new secret. If you "
        "renamed the secret, use its old name again. If this is another secret, declare the old "
        "one too. Or delete the data and start over: aiserver-tray down web --volumes"
    )
    assert error.data == {"name": "web.MASTER"}


@pytest.mark.parametrize(
    "changed",
    [
        KEEPING.replace("KEY", "MASTER"),
        KEEPING.replace(KEY, "KEY: {type: secret}"),
        KEEPING.replace(KEY, "OTHER: {type: text}").replace("[KEY,", "[OTHER,"),
        KEEPING.replace(KEY, f"{KEY}\n    NEW: {{type: secret, generate: hex32, keep: true}}"),
    ],
    ids=["renamed with its value", "not kept", "removed", "a further one"],
)
def test_secrets_may_change_where_no_data_needs_the_old_value(
    made: Made, tmp_path: Path, secrets: Secrets, changed: str
) -> None:
    if "MASTER" in changed:
        secrets.change({"web.MASTER": secrets.values(["web.KEY"])["web.KEY"]}, ())
    target = target_of(tmp_path / "new", "web", changed)
    assert of_secrets(with_keep_labels(target, secrets), made) == []
