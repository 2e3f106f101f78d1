"""Names that others have, missing external objects, and volumes made with other secrets."""

from collections.abc import Mapping
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


def test_empty_engine_has_no_name_conflicts(web: ModuleTarget) -> None:
    assert problems([web], there(), MACHINE) == []


def test_own_objects_and_similar_names_are_no_conflict(web: ModuleTarget) -> None:
    alike = {"ai-web-page-2": {}, "web-page": {}, "xai-web-page": {}, "ai-web": THEIRS}
    ours = there({"ai-web-page": MINE}, {"ai-web": MINE}, {"ai-web-data": MINE})
    similar = there(alike, {"ai-web-page": {}}, {"web_data": {}, "ai-web-data2": THEIRS})
    assert problems([web], ours, MACHINE) == []
    assert problems([web], similar, MACHINE) == []


def test_a_volume_of_data_is_not_emptied_for_configuration_files(tmp_path: Path) -> None:
    files = "read_only: true", "configs: [{source: c, target: /etc/c}]"
    web = target_of(tmp_path, "web", service_of("page", *files) + "\nconfigs: {c: {content: c}}\n")
    name = "ai-web-page-config"
    (error,) = problems([web], there(volumes={name: MINE}), MACHINE)
    assert isinstance(error, CatalogError)
    assert name in str(error)
    assert error.problems[0].place.key == "services.page"
    config = {**MINE, labels.CONFIG_OF: "page"}
    assert problems([web], there(volumes={name: config}), MACHINE) == []
    foreign = {**config, labels.INSTALLATION: "another"}
    (error,) = problems([web], there(volumes={name: foreign}), MACHINE)
    assert isinstance(error, NameConflictError), "told once"


def test_data_does_not_go_to_a_volume_of_configuration_files(web: ModuleTarget) -> None:
    config = {**MINE, labels.CONFIG_OF: "page"}
    (error,) = problems([web], there(volumes={"ai-web-data": config}), MACHINE)
    assert isinstance(error, CatalogError)
    assert "aiserver-tray down web" in str(error)
    assert error.problems[0].place.key == "volumes"


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


@pytest.mark.parametrize("labelled", [{}, THEIRS])
def test_the_shared_network_of_another_is_reported_once(
    tmp_path: Path, labelled: Mapping[str, str]
) -> None:
    targets = [target_of(tmp_path, name, on_shared(name)) for name in ("a", "b")]
    (error,) = problems(targets, there(networks={"ai-net": labelled}), MACHINE)
    assert isinstance(error, NameConflictError)
    assert error.data["name"] == "ai-net"


def test_the_shared_network_is_there_or_made_by_us(tmp_path: Path) -> None:
    target = target_of(tmp_path, "a", on_shared("s"))
    ours = {labels.INSTALLATION: OURS.installation}
    assert problems([target], there(), MACHINE) == []
    assert problems([target], there(networks={"ai-net": ours}), MACHINE) == []


def test_a_missing_external_network_or_volume_is_reported_with_its_place(tmp_path: Path) -> None:
    file = (
        service_of("s", "networks: [lan]", "volumes: [pool:/pool]")
        + "\nnetworks:\n  lan: {external: true, name: office}\nvolumes:\n  pool: {external: true}\n"
    )
    target = target_of(tmp_path, "a", file)
    errors = problems([target], there(), MACHINE)
    path = tmp_path / "a/compose.yaml"
    assert [str(error) for error in errors] == [
        f"{path}:7: networks.lan: the external network office does not exist. "
        "Create it with: docker network create office",
        f"{path}:9: volumes.pool: the external volume pool does not exist. "
        "Create it with: docker volume create pool",
    ]
    made = there(networks={"office": {}}, volumes={"pool": THEIRS})
    assert problems([target], made, MACHINE) == []


def test_an_external_object_that_another_module_is_about_to_make_is_not_missing(
    web: ModuleTarget, tmp_path: Path
) -> None:
    file = service_of("s", "volumes: [data:/d]") + (
        "\nvolumes:\n  data: {external: true, name: ai-web-data}\n"
    )
    other = target_of(tmp_path, "other", file)
    assert problems([other, web], there(), MACHINE) == []
    (error,) = problems([other], there(), MACHINE)
    assert isinstance(error, CatalogError)


def test_two_modules_that_come_to_one_name_are_refused(tmp_path: Path) -> None:
    volumes = "\nvolumes: {{{name}: {{}}}}\n"
    one = target_of(
        tmp_path, "a", service_of("s", "volumes: ['b-data:/d']") + volumes.format(name="b-data")
    )
    two = target_of(
        tmp_path, "a-b", service_of("s", "volumes: ['data:/d']") + volumes.format(name="data")
    )
    (error,) = problems([one, two], there(), MACHINE)
    assert isinstance(error, CatalogError)
    assert "the module a already uses the volume ai-a-b-data." in str(error)
    of_one = {labels.INSTALLATION: OURS.installation, labels.MODULE: "a"}
    (error,) = problems([two], there(volumes={"ai-a-b-data": of_one}), MACHINE)
    assert "the module a already uses the volume ai-a-b-data." in str(error)


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


def test_a_name_on_the_shared_network_that_another_modules_container_has_is_reported(
    tmp_path: Path,
) -> None:
    target = target_of(tmp_path, "two", on_shared("store", "db"))

    def beside(module: str, network: str) -> Survey:
        mine = {labels.INSTALLATION: OURS.installation, labels.MODULE: module}
        found = container(f"ai-{module}-db", {**mine, labels.SERVICE: "db"})
        return replace(there(), containers=(replace(found, networks=frozenset({network})),))

    assert problems([target], beside("one", "ai-one"), MACHINE) == []
    assert problems([target], beside("two", "ai-net"), MACHINE) == []
    (error,) = problems([target], beside("one", "ai-net"), MACHINE)
    assert isinstance(error, CatalogError)
    assert "a container of the module one already uses db." in str(error)


def test_every_name_that_another_modules_container_has_on_the_shared_network_is_reported(
    tmp_path: Path,
) -> None:
    one = target_of(tmp_path, "one", on_shared("api", "llm", "db", more="hostname: Models"))
    made = one.services[0].body["Labels"]
    found = replace(container("ai-one-api", made), networks=frozenset({"ai-net"}))
    beside = replace(there(), containers=(found,))

    for name in ("LLM", "api", "models", "ai-one-api"):
        same = target_of(tmp_path, name, on_shared("other", more=f"hostname: {name}"))
        (error,) = problems([same], beside, MACHINE)
        assert f"a container of the module one already uses {name}." in str(error)
        (error,) = problems([same, one], there(), MACHINE)
        assert str(error).count("expected a unique name on ai-net") == 2
    assert problems([one], beside, MACHINE) == []


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


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    settings = Settings(Home(tmp_path / "home", "home"))
    settings.values(
        {f"web.{name}": Setting(type="secret", generate="hex32") for name in ("KEY", "TOKEN")}
    )
    return settings.secrets


def test_new_volumes_carry_the_fingerprints_of_the_secrets_that_are_kept(
    tmp_path: Path, secrets: Secrets
) -> None:
    target = with_keep_labels(target_of(tmp_path, "web", KEEPING), secrets)
    bodies = {volume.name: volume.body for volume in target.volumes}
    label = {f"{KEEP}web.KEY": secrets.fingerprint("web.KEY")}
    assert keep_labels(target.module, secrets) == label
    for name in ("ai-web-data", "ai-web-more"):
        assert bodies[name]["Labels"].items() >= label.items()
        assert bodies[name]["Labels"][labels.MODULE] == "web"
    assert bodies["ai-web-data"]["Labels"]["mine"] == "yes"
    assert not any(key.startswith(KEEP) for key in bodies["foreign"].get("Labels", {}))
    assert secrets.values(["web.KEY"])["web.KEY"] not in str(bodies)


def test_a_module_without_kept_secrets_needs_none(tmp_path: Path) -> None:
    module = module_of(tmp_path, "web", FILE)
    unreadable = Settings(Home(tmp_path / "web/compose.yaml", "home")).secrets
    assert keep_labels(module, unreadable) == {}


def test_volumes_made_with_another_secret_are_reported_with_the_setting(
    tmp_path: Path, secrets: Secrets
) -> None:
    target = with_keep_labels(target_of(tmp_path, "web", KEEPING), secrets)
    made = {v.name: v.body.get("Labels", {}) for v in target.volumes}
    assert problems([target], there(volumes=made), MACHINE) == []
    other = {name: dict(found) | {f"{KEEP}web.KEY": "0" * 64} for name, found in made.items()}
    other["foreign"] = {f"{KEEP}web.KEY": "1"}
    (error,) = problems([target], there(volumes=other), MACHINE)
    assert isinstance(error, SettingError)
    assert str(error) == (
        "web.KEY: the data in ai-web-data, ai-web-more was created with another value of this "
        "secret, and can't be used with the current one. Restore secrets.json of this home "
        "folder from a backup, or delete the data and start over: aiserver-tray down web "
        "--volumes"
    )


def test_a_secret_that_was_lost_is_reported_before_another_is_made(
    tmp_path: Path, secrets: Secrets
) -> None:
    target = with_keep_labels(target_of(tmp_path, "web", KEEPING), secrets)
    made = {v.name: v.body.get("Labels", {}) for v in target.volumes}
    secrets.change({"web.KEY": None}, ())
    (error,) = problems([with_keep_labels(target, secrets)], there(volumes=made), MACHINE)
    assert isinstance(error, SettingError)
    assert "another value" in str(error)


@pytest.mark.parametrize("value", [None, "made by a pull"])
def test_a_secret_with_another_name_is_reported(
    tmp_path: Path, secrets: Secrets, value: str | None
) -> None:
    target = with_keep_labels(target_of(tmp_path / "old", "web", KEEPING), secrets)
    made = {v.name: v.body.get("Labels", {}) for v in target.volumes}
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


def test_a_secret_may_have_another_name_if_its_value_goes_with_it(
    tmp_path: Path, secrets: Secrets
) -> None:
    target = with_keep_labels(target_of(tmp_path / "old", "web", KEEPING), secrets)
    made = {v.name: v.body.get("Labels", {}) for v in target.volumes}
    secrets.change({"web.MASTER": secrets.values(["web.KEY"])["web.KEY"]}, ())
    renamed = target_of(tmp_path / "new", "web", KEEPING.replace("KEY", "MASTER"))
    assert problems([with_keep_labels(renamed, secrets)], there(volumes=made), MACHINE) == []


@pytest.mark.parametrize(
    "now", ["KEY: {type: secret}", "OTHER: {type: text}"], ids=["not kept", "removed"]
)
def test_a_secret_that_is_kept_no_more_is_not_missed(
    tmp_path: Path, secrets: Secrets, now: str
) -> None:
    target = with_keep_labels(target_of(tmp_path / "old", "web", KEEPING), secrets)
    made = {v.name: v.body.get("Labels", {}) for v in target.volumes}
    file = KEEPING.replace("KEY: {type: secret, generate: hex32, keep: true}", now)
    file = file.replace("[KEY,", f"[{now.partition(':')[0]},")
    less = target_of(tmp_path / "new", "web", file)
    assert problems([with_keep_labels(less, secrets)], there(volumes=made), MACHINE) == []


def test_a_further_secret_is_no_other_name_of_one_that_is_still_there(
    tmp_path: Path, secrets: Secrets
) -> None:
    target = with_keep_labels(target_of(tmp_path / "old", "web", KEEPING), secrets)
    made = {v.name: v.body.get("Labels", {}) for v in target.volumes}
    further = KEEPING.replace(
        "    TOKEN:", "    NEW: {type: secret, generate: hex32, keep: true}\n    TOKEN:"
    )
    more = target_of(tmp_path / "new", "web", further)
    assert problems([with_keep_labels(more, secrets)], there(volumes=made), MACHINE) == []


def test_a_volume_from_before_a_secret_was_kept_is_taken(tmp_path: Path, secrets: Secrets) -> None:
    target = with_keep_labels(target_of(tmp_path, "web", KEEPING), secrets)
    made = {"ai-web-data": MINE, "ai-web-more": MINE, "foreign": {}}
    assert problems([target], there(volumes=made), MACHINE) == []


def test_a_foreign_volume_is_a_conflict_of_names_only(tmp_path: Path, secrets: Secrets) -> None:
    target = with_keep_labels(target_of(tmp_path, "web", KEEPING), secrets)
    theirs = {"ai-web-data": THEIRS | {f"{KEEP}web.KEY": "0" * 64}, "foreign": {}}
    (error,) = problems([target], there(volumes=theirs), MACHINE)
    assert isinstance(error, NameConflictError)
