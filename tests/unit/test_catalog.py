"""Modules, what they require, and which setting a name means."""

import os
from pathlib import Path

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    CatalogError,
    CycleError,
    MissingError,
    SettingError,
    UnknownNameError,
)
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.check import check
from aiserver_tray.catalog.edition import Edition
from aiserver_tray.catalog.folders import stamp
from aiserver_tray.catalog.resolve import config_environment, resolve
from tests.support.systems import is_root
from tests.unit.module_folders import declared, write

BUILT_IN = Path(__file__).parents[2] / "orchestration"


def problem_lines(error: CatalogError) -> list[str]:
    return error.render().splitlines()


def test_the_built_in_catalog_loads_in_both_folders_without_a_problem() -> None:
    catalog = load_catalog([BUILT_IN])
    assert {"postgres": "basic", "redis": "basic", "n8n": "feature"}.items() <= {
        name: module.kind for name, module in catalog.modules.items()
    }.items()
    report = check(catalog, None)
    assert report.lines("en")[:-1] == []
    assert len(report.checked) == len(catalog.modules)


def test_a_name_is_the_modules_own_setting_first_then_a_required_modules(tmp_path: Path) -> None:
    write(tmp_path, "db", declared("{PORT: {type: port, default: 1}, USER: {default: u}}"))
    write(
        tmp_path,
        "app1",
        declared("{PORT: {type: port, default: 2}}", "[db]", 'image: "i:${PORT}-${USER}"'),
    )
    catalog = load_catalog([tmp_path])
    scope = catalog.scope(catalog.module("app1"))
    assert scope == {"PORT": "app1.PORT", "USER": "db.USER"}
    resolved = resolve(catalog, catalog.module("app1"), {"app1.PORT": "7", "db.USER": "admin"})
    assert resolved.project.services["main"].image == "i:7-admin"


def test_an_undeclared_name_and_one_declared_twice_are_reported_with_their_lines(
    tmp_path: Path,
) -> None:
    for name in ("one", "two"):
        write(tmp_path, name, declared("{SHARED: {default: x}}"))
    write(tmp_path, "user", declared("{}", "[one, two]", 'image: "a:${SHARED}-${NOWHERE}"'))
    catalog = load_catalog([tmp_path])
    with pytest.raises(CatalogError) as caught:
        catalog.scope(catalog.module("user"))
    lines = problem_lines(caught.value)
    assert len(lines) == 2
    assert all(f"{tmp_path}/user/compose.yaml:7" in line for line in lines)
    assert any("one.SHARED, two.SHARED" in line for line in lines)
    assert any("NOWHERE" in line for line in lines)


def test_required_modules_come_first_and_a_circle_is_reported_with_its_path(tmp_path: Path) -> None:
    write(tmp_path, "a", declared(requires="[b]"))
    write(tmp_path, "b", declared(requires="[c]"))
    write(tmp_path, "c", declared())
    catalog = load_catalog([tmp_path])
    assert [module.name for module in catalog.ordered(["a"])] == ["c", "b", "a"]
    (tmp_path / "c/compose.yaml").write_text(declared(requires="[a]"), encoding="utf-8")
    with pytest.raises(CycleError) as caught:
        load_catalog([tmp_path]).ordered(["a"])
    assert set(caught.value.data["path"]) == {"a", "b", "c"}


def test_missing_requirement_and_mistyped_name_are_errors_with_a_suggestion(tmp_path: Path) -> None:
    write(tmp_path, "a", declared(requires="[gone]"))
    catalog = load_catalog([tmp_path, BUILT_IN])
    with pytest.raises(MissingError, match="a requires gone"):
        catalog.ordered(["a"])
    with pytest.raises(UnknownNameError, match="postgres"):
        catalog.module("postgre")


def test_a_choice_has_its_value_profiles_requires_and_memory(tmp_path: Path) -> None:
    write(tmp_path, "store", declared())
    write(
        tmp_path,
        "app1",
        declared(
            "{KIND: {type: choice, default: none, choices: {none: {}, "
            "full: {title: Full, value: '2', profiles: [full], requires: [store], memory: 1.5g}}}}",
            body="image: busybox:${KIND}\n  extra: {image: 'busybox:1', profiles: [full]}",
        ),
    )
    catalog = load_catalog([tmp_path])
    module = catalog.module("app1")
    plain = resolve(catalog, module, {"app1.KIND": "none"})
    full = resolve(catalog, module, {"app1.KIND": "full"})
    assert (set(plain.project.services), plain.requires) == ({"main"}, ())
    assert (set(full.project.services), full.requires) == ({"main", "extra"}, ("store",))
    assert (plain.module.needs.memory, full.module.needs.memory) == (None, "1536m")
    images = [resolved.project.services["main"].image for resolved in (plain, full)]
    assert images == ["busybox:none", "busybox:2"]
    assert [m.name for m in catalog.ordered(["app1"])] == ["store", "app1"]


@pytest.mark.parametrize("broken", ["first", "second"])
def test_a_broken_folder_does_not_take_the_name_of_a_module(tmp_path: Path, broken: str) -> None:
    for root in ("first", "second"):
        file = tmp_path / root / "n8n/compose.yaml"
        file.parent.mkdir(parents=True)
        file.write_text("services: [" if root == broken else "services: {n8n: {image: 'i:1'}}")
    catalog = load_catalog([tmp_path / "first", tmp_path / "second"])
    assert [*catalog.modules] == ["n8n"]
    assert catalog.module("n8n").folder.parent.name != broken
    assert [*catalog.broken] == [str(tmp_path / broken / "n8n")]


def test_a_broken_module_costs_only_itself(tmp_path: Path) -> None:
    write(tmp_path, "good", declared())
    write(tmp_path, "bad", "x-aiserver: {kind: feature, colour: red}\nservices: {}\n")
    catalog = load_catalog([tmp_path])
    assert list(catalog.modules) == ["good"]
    with pytest.raises(CatalogError) as caught:
        catalog.module("bad")
    assert f"{tmp_path}/bad/compose.yaml:1: x-aiserver.colour" in caught.value.render()


ADDRESS = "x-aiserver.connect.address"
ACTION = "x-aiserver.actions.a"


@pytest.mark.parametrize(
    ("extension", "key"),
    [
        ("{kind: special}", "x-aiserver.kind"),
        ("{kind: basic, needs: {memory: much}}", "x-aiserver.needs.memory"),
        ("{kind: basic, needs: {total_memory: much}}", "x-aiserver.needs.total_memory"),
        ("{kind: basic, needs: {sysctls: {vm/../x: 1}}}", "x-aiserver.needs.sysctls.vm/../x"),
        ("{kind: basic, needs: {sysctls: {vm.x: -1}}}", "x-aiserver.needs.sysctls.vm.x"),
        ("{kind: basic, settings: {lower: {}}}", "x-aiserver.settings.lower"),
        ("{kind: basic, settings: {P: {type: port, default: 0}}}", "x-aiserver.settings.P"),
        ("{kind: basic, settings: {S: {type: secret, default: x}}}", "x-aiserver.settings.S"),
        ("{kind: basic, settings: {C: {type: choice}}}", "x-aiserver.settings.C"),
        ("{kind: basic, settings: {T: {pattern: (?=a)a}}}", "x-aiserver.settings.T.pattern"),
        (
            f"{{kind: basic, settings: {{T: {{pattern: (a+)+b, default: {'a' * 10_000}}}}}}}",
            "x-aiserver.settings.T.default",
        ),
        ("{kind: basic, accounts: [{user: me}]}", "x-aiserver.accounts.0.title"),
        ("{kind: basic, accounts: [{title: Me, secret: NONE}]}", "x-aiserver.accounts"),
        *(
            (f"{{kind: basic, connect: {{address: 'db://{place}', port: 1}}}}", ADDRESS)
            for place in ("{host}", "{host:{no}}{port}", "{host!q}{port}", "{host:>99}{port}", "{")
        ),
        ("{kind: basic, databases: [{module: db, secret: NONE}]}", "x-aiserver.databases"),
        (
            "{kind: basic, settings: {S: {type: secret}}, databases: [{module: db, secret: S}]}",
            "x-aiserver.databases",
        ),
        ("{kind: basic, backup: {databases: {db: [others]}}}", "x-aiserver.backup"),
        ("{kind: basic, backup: {redis: [-1]}}", "x-aiserver.backup.redis.0"),
        ("{kind: basic, backup: {volumes: [data]}}", "x-aiserver.backup.volumes"),
        *(
            (f"{{kind: basic, actions: {{a: {{title: A, service: s, {rest}}}}}}}", ACTION + key)
            for rest, key in (
                ("command: []", ".command"),
                ("command: ls", ".command"),
                ("command: [echo, '${SECRET:-}']", ".command.1"),
                ("command: [ls], timeout: 61m", ".timeout"),
                ("command: [ls], timeout: 0s", ".timeout"),
                ("command: [ls], inputs: {A: {type: port}}", ".inputs"),
                ("command: [ls], inputs: {A: {type: secret, generate: hex32}}", ".inputs"),
                ("command: [ls], inputs: {a: {}}", ".inputs.a"),
            )
        ),
        ("{kind: basic, actions: {Up: {}}}", "x-aiserver.actions.Up"),
        ("[basic]", "x-aiserver"),
    ],
)
def test_a_wrong_declaration_is_reported_by_its_key(
    tmp_path: Path, extension: str, key: str
) -> None:
    write(tmp_path, "bad", f"services: {{}}\nx-aiserver: {extension}\n")
    with pytest.raises(CatalogError) as caught:
        load_catalog([tmp_path]).module("bad")
    problem = caught.value.problems[0]
    assert (problem.place.line, problem.place.key[: len(key)]) == (2, key)


def test_an_action_is_of_a_service_and_its_command_has_dollar_signs(tmp_path: Path) -> None:
    actions = "one: {title: One, service: main, command: [sh, -c, 'echo $$A $$$$']}"
    write(tmp_path, "good", declared(settings=f"{{}}\n  actions: {{{actions}}}"))
    actions += ", two: {title: Two, service: no, command: [ls]}"
    write(tmp_path, "bad", declared(settings=f"{{}}\n  actions: {{{actions}}}"))

    catalog = load_catalog([tmp_path])

    assert catalog.module("good").actions["one"].command == ("sh", "-c", "echo $A $$")
    (problem,) = check(catalog, None).problems
    assert problem.place.file.parent.name == "bad"
    assert problem.place.key == "x-aiserver.actions.two.service"


def test_a_backup_names_only_volumes_and_servers_that_there_are(tmp_path: Path) -> None:
    text = """\
x-aiserver:
  kind: feature
  requires: [db]
  settings: {KEY: {type: secret}}
  databases: [{module: db, database: mine, secret: KEY}]
  backup: {databases: {db: [mine]}, redis: [1], skip: [data, cache]}
services: {main: {image: 'busybox:1', environment: {KEY: "${KEY}"}, volumes: ['data:/data']}}
volumes: {data: {}}
"""
    write(tmp_path, "web", text)
    connect = "kind: basic\n  connect: {address: 'mongodb://{host}:{port}', port: 1}"
    database = write(tmp_path, "db", declared().replace("kind: feature", connect))
    (problem,) = check(load_catalog([tmp_path]), None).problems
    assert problem.place.key == "x-aiserver.backup.skip.1"

    text = text.replace(", cache", "")
    (tmp_path / "web/compose.yaml").write_text(text, encoding="utf-8")
    problems = check(load_catalog([tmp_path]), None).problems
    path = "x-aiserver.backup"
    assert [one.place.key for one in problems] == [f"{path}.databases.db", f"{path}.redis"]

    file = database / "compose.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("mongodb", "mysql"), encoding="utf-8")
    (tmp_path / "web/compose.yaml").write_text(text.replace(" redis: [1],", ""), encoding="utf-8")
    assert check(load_catalog([tmp_path]), None).problems == []


def test_a_built_in_name_in_a_users_folder_is_an_error_not_an_override(tmp_path: Path) -> None:
    write(tmp_path, "n8n", declared())
    catalog = load_catalog([BUILT_IN, tmp_path])
    assert catalog.module("n8n").folder.is_relative_to(BUILT_IN.resolve())
    assert [str(problem.place.file) for problem in catalog.problems] == [
        f"{tmp_path}/n8n/compose.yaml"
    ]


def test_the_same_folder_reached_twice_counts_once() -> None:
    catalog = load_catalog([BUILT_IN, BUILT_IN / "basic", BUILT_IN / "features/n8n"])
    assert catalog.problems == []


def test_stamp_differs_after_a_change_with_the_same_time(tmp_path: Path) -> None:
    file = write(tmp_path, "web", declared(body="image: busybox:1")) / "compose.yaml"
    os.utime(file, (0, 0))
    before = stamp([tmp_path])
    assert stamp([tmp_path]) == before
    other = file.with_name("new")
    other.write_text(declared(body="image: busybox:2"), encoding="utf-8")
    os.utime(other, (0, 0))
    other.replace(file)
    assert stamp([tmp_path]) != before


def test_edition_differs_if_the_catalog_changed_while_it_was_read(tmp_path: Path) -> None:
    edition = Edition([tmp_path])
    write(tmp_path, "late", declared())
    assert "late" in edition.read().modules
    assert edition.stamp != Edition([tmp_path]).stamp


def test_config_masks_secrets_that_the_env_file_does_not_give() -> None:
    catalog = load_catalog([BUILT_IN])
    n8n = catalog.module("n8n")
    env = config_environment(catalog, n8n, {"N8N_DB_PASSWORD": "given-by-file", "OTHER": "x"})
    assert env["N8N_DB_PASSWORD"] == "given-by-file"
    assert env["N8N_ENCRYPTION_KEY"] == env["POSTGRES_PASSWORD"] == MASK
    assert "OTHER" not in env


def test_a_placeholder_of_env_example_is_refused_as_a_value() -> None:
    catalog = load_catalog([BUILT_IN])
    with pytest.raises(SettingError, match=r"n8n\.N8N_DB_PASSWORD"):
        config_environment(
            catalog, catalog.module("n8n"), {"N8N_DB_PASSWORD": "change-me-N8N_DB_PASSWORD"}
        )


def test_a_secret_never_shows_in_the_error_that_it_causes(tmp_path: Path) -> None:
    body = 'ports: ["${TOKEN}:80"]'
    write(tmp_path, "leaky", declared("{TOKEN: {type: secret, generate: hex32}}", body=body))
    catalog = load_catalog([tmp_path])
    with pytest.raises(AiServerError) as caught:
        resolve(catalog, catalog.module("leaky"), {"leaky.TOKEN": "s3cr3t-token"})
    assert "s3cr3t-token" not in caught.value.render() + repr(caught.value.data)


def test_a_folder_name_that_no_container_can_have_is_an_error(tmp_path: Path) -> None:
    for name in ("My Mod", "a.b", "模块"):
        write(tmp_path, name, declared())
    catalog = load_catalog([tmp_path])
    assert list(catalog.modules) == []
    assert len(catalog.problems) == 3


@pytest.mark.skipif(not is_root(), reason="only root can step down to another user")
def test_a_folder_that_may_not_be_entered_costs_only_its_own_module(tmp_path: Path) -> None:
    write(tmp_path, "good", declared())
    write(tmp_path, "closed", declared()).chmod(0o700)
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o755)
    os.seteuid(65534)
    try:
        catalog = load_catalog([tmp_path])
    finally:
        os.seteuid(0)
    assert list(catalog.modules) == ["good"]
    assert "closed" in catalog.broken
