"""Modules, what they require, which setting a name means, and what `check` finds."""

import os
from pathlib import Path

import pytest

from aiserver_tray.catalog.catalog import Catalog, Edition, load_catalog, stamp
from aiserver_tray.catalog.check import check
from aiserver_tray.catalog.resolve import config_environment, resolve, resolve_with
from aiserver_tray.errors import (
    AiServerError,
    CatalogError,
    CycleError,
    MissingError,
    SettingError,
    UnknownNameError,
)
from aiserver_tray.masking import MASK

BUILT_IN = Path(__file__).parents[2] / "orchestration"


def write(root: Path, name: str, text: str) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text(text, encoding="utf-8")
    return folder


def declared(settings: str = "{}", requires: str = "[]", body: str = "image: busybox:1") -> str:
    return f"""\
x-aiserver:
  kind: feature
  requires: {requires}
  settings: {settings}
services:
  main:
    {body}
"""


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


def test_an_undeclared_name_and_one_declared_twice_are_told_with_their_lines(
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


def test_required_modules_come_first_and_a_circle_is_told_with_its_path(tmp_path: Path) -> None:
    write(tmp_path, "a", declared(requires="[b]"))
    write(tmp_path, "b", declared(requires="[c]"))
    write(tmp_path, "c", declared())
    catalog = load_catalog([tmp_path])
    assert [module.name for module in catalog.ordered(["a"])] == ["c", "b", "a"]
    (tmp_path / "c/compose.yaml").write_text(declared(requires="[a]"), encoding="utf-8")
    with pytest.raises(CycleError) as caught:
        load_catalog([tmp_path]).ordered(["a"])
    assert set(caught.value.data["path"]) == {"a", "b", "c"}


def test_a_missing_requirement_and_a_mistyped_name_say_what_is_meant(tmp_path: Path) -> None:
    write(tmp_path, "a", declared(requires="[gone]"))
    catalog = load_catalog([tmp_path, BUILT_IN])
    with pytest.raises(MissingError, match="a requires gone"):
        catalog.ordered(["a"])
    with pytest.raises(UnknownNameError, match="postgres"):
        catalog.module("postgre")


def test_a_choice_activates_its_profiles_and_adds_its_requires(tmp_path: Path) -> None:
    write(tmp_path, "store", declared())
    write(
        tmp_path,
        "app1",
        declared(
            "{KIND: {type: choice, default: none, choices: {none: {}, "
            "full: {title: Full, profiles: [full], requires: [store]}}}}",
            body="image: busybox:1\n  extra: {image: 'busybox:1', profiles: [full]}",
        ),
    )
    catalog = load_catalog([tmp_path])
    module = catalog.module("app1")
    plain = resolve(catalog, module, {"app1.KIND": "none"})
    full = resolve(catalog, module, {"app1.KIND": "full"})
    assert (set(plain.project.services), plain.requires) == ({"main"}, ())
    assert (set(full.project.services), full.requires) == ({"main", "extra"}, ("store",))
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
        ("[basic]", "x-aiserver"),
    ],
)
def test_a_wrong_declaration_is_told_by_its_key(tmp_path: Path, extension: str, key: str) -> None:
    write(tmp_path, "bad", f"services: {{}}\nx-aiserver: {extension}\n")
    with pytest.raises(CatalogError) as caught:
        load_catalog([tmp_path]).module("bad")
    problem = caught.value.problems[0]
    assert (problem.place.line, problem.place.key[: len(key)]) == (2, key)


def test_a_service_waits_only_for_what_its_module_requires(tmp_path: Path) -> None:
    body = "image: busybox:1\n    x-aiserver: {requires: [db, cache]}"
    write(tmp_path, "web", declared(requires="[db]", body=body))

    write(tmp_path, "db", declared())

    (problem,) = check(load_catalog([tmp_path]), None).problems

    assert problem.place.line == 8
    assert problem.place.key == "services.main.x-aiserver.requires.1"
    assert "one of those that the module requires (db), found 'cache'" in problem.render()


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


def test_the_stamp_differs_once_a_file_was_changed_whatever_its_time_says(tmp_path: Path) -> None:
    file = write(tmp_path, "web", declared(body="image: busybox:1")) / "compose.yaml"
    os.utime(file, (0, 0))
    before = stamp([tmp_path])
    assert stamp([tmp_path]) == before
    other = file.with_name("new")
    other.write_text(declared(body="image: busybox:2"), encoding="utf-8")
    os.utime(other, (0, 0))
    other.replace(file)
    assert stamp([tmp_path]) != before


def test_an_edition_differs_from_what_is_changed_while_it_is_read(tmp_path: Path) -> None:
    edition = Edition([tmp_path])
    write(tmp_path, "late", declared())
    assert "late" in edition.read().modules
    assert edition.stamp != Edition([tmp_path]).stamp


def test_a_plain_file_has_its_variables_as_settings(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        "plain",
        'services: {web: {image: "i:${TAG:-1}", command: ["${FLAG:+on}", "${GREETING}"]}}\n',
    )
    (folder / ".env").write_text("GREETING=hello\n", encoding="utf-8")
    catalog = load_catalog([tmp_path])
    module = catalog.module("plain")
    assert {name: s.initial for name, s in module.settings.items()} == {
        "TAG": "1",
        "FLAG": None,
        "GREETING": "hello",
    }
    web = resolve(catalog, module, {}).project.services["web"]
    assert (web.image, web.command) == ("i:1", ["", "hello"])
    assert resolve(catalog, module, {"plain.TAG": "2"}).project.services["web"].image == "i:2"


def test_the_profiles_of_a_plain_file_are_a_setting(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  web: {image: 'i:1'}\n"
        "  cpu: {image: 'i:1', profiles: [cpu, any]}\n"
        "  gpu: {image: 'i:1', profiles: [gpu, any]}\n"
        "  idle: {image: 'i:1', profiles: ['']}\n"
    )
    folder = write(tmp_path, "plain", text)
    write(tmp_path, "stated", f"x-aiserver: {{kind: feature}}\n{text}")
    catalog = load_catalog([tmp_path])
    (setting,) = catalog.module("plain").settings.items()
    assert (setting[0], setting[1].initial) == ("COMPOSE_PROFILES", None)
    assert setting[1].title == {
        "en": "Active profiles, of: cpu, any, gpu",
        "zh": "启用的 profile，可选：cpu, any, gpu",
    }
    assert catalog.module("stated").settings == {}, "its choices do that"

    def active(values: dict[str, str]) -> list[str]:
        catalog = load_catalog([tmp_path])
        return sorted(resolve(catalog, catalog.module("plain"), values).project.services)

    assert active({}) == ["idle", "web"]
    assert active({"plain.COMPOSE_PROFILES": "gpu"}) == ["gpu", "web"]
    (folder / ".env").write_text("COMPOSE_PROFILES=any\n", encoding="utf-8")
    assert active({}) == ["cpu", "gpu", "web"]
    assert active({"plain.COMPOSE_PROFILES": ""}) == ["idle", "web"]


def test_what_dotenv_makes_of_other_variables_follows_their_settings(tmp_path: Path) -> None:
    text = "services: {web: {image: 'i:1', command: ['$STORE', '$URL', '${TAG:+set}']}}\n"
    folder = write(tmp_path, "plain", text)
    (folder / ".env").write_text("STORE=a\nURL=http://${STORE}/${PATH_PART:-x}\n", encoding="utf-8")
    catalog = load_catalog([tmp_path])

    def command(**values: str) -> list[str] | None:
        known = catalog.defaults | {f"plain.{name}": value for name, value in values.items()}
        return resolve(catalog, catalog.module("plain"), known).project.services["web"].command

    assert command() == ["a", "http://a/x", ""]
    assert command(STORE="b") == ["b", "http://b/x", ""]
    assert command(STORE="b", URL="mine") == ["b", "mine", ""]


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
    with pytest.raises(CatalogError):
        resolve_with(catalog.module("leaky"), {"TOKEN": MASK}, [])


def test_check_finds_a_name_missing_in_env_example_and_a_secret_in_it(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        "m",
        declared("{A: {default: a}, S: {type: secret, generate: hex32}}", body="image: '${A}:1'"),
    )
    (folder / "env.example").write_text("S=real\nB=1\nCOMPOSE_PROFILES=p\n", encoding="utf-8")
    lines = check(load_catalog([tmp_path]), None).lines("en")
    assert [line.split(": ")[1] for line in lines[:-1]] == ["A", "S", "B"]


def test_check_finds_one_name_twice_on_the_shared_network(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(
            tmp_path,
            name,
            "services: {same: {image: 'i:1', networks: [ai-net]}}\n"
            "networks: {ai-net: {external: true}}\n",
        )
    lines = check(load_catalog([tmp_path]), None).lines("en")
    assert len(lines) == 3
    assert f"{tmp_path}/two/compose.yaml" in lines[0]


def test_check_notes_what_is_accepted_but_not_used(tmp_path: Path) -> None:
    write(
        tmp_path,
        "m",
        "services:\n  a: {image: nginx, container_name: mine, volumes: ['data:/d', 'other:/o']}\n"
        "networks:\n  default: {name: shared}\n"
        "volumes:\n  data: {name: own}\n  other: {external: true, name: theirs}\n",
    )
    report = check(load_catalog([tmp_path]), None)
    assert report.problems == []
    assert [(n.place.line, n.place.key) for n in report.notes] == [
        (4, "networks.default.name"),
        (6, "volumes.data.name"),
        (2, "services.a.container_name"),
        (2, "services.a.image"),
    ]


def test_check_notes_variables_without_a_value(tmp_path: Path) -> None:
    command = "['$ONE', '${TWO}', '${ONE}', '${SET}', '${D:-}']"
    folder = write(tmp_path, "m", f"services:\n  a: {{image: 'i:1', command: {command}}}\n")
    (folder / ".env").write_text("SET=\n", encoding="utf-8")
    report = check(load_catalog([tmp_path]), None)
    assert [note.render() for note in report.notes] == [
        f"{folder}/compose.yaml:2: services.a.command.0: without a value, and so empty: ONE, TWO. "
        "Give one: aiserver-tray config set m.ONE VALUE"
    ]


def test_what_is_wrong_for_want_of_a_value_names_the_variable(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  a:\n"
        "    image: i:1\n"
        "    volumes: ['${DATA}:/data', /cache]\n"
        "    environment: {KEY: '${KEY:?the key}'}\n"
        "    ports: ['x']\n"
    )
    write(tmp_path, "m", text)
    catalog = load_catalog([tmp_path])
    problems = {p.place.line: p.text.render() for p in check(catalog, None).problems}
    assert problems[4].endswith(
        ", found ':/data'. Without a value: DATA. Give one: aiserver-tray config set m.DATA VALUE"
    )
    assert problems[5] == (
        "expected a value for KEY: the key. "
        "Without a value: KEY. Give one: aiserver-tray config set m.KEY VALUE"
    )
    assert problems[6].endswith("found 'x'")
    with pytest.raises(CatalogError) as error:
        resolve(catalog, catalog.module("m"), {"m.DATA": "./d", "m.KEY": "k"})
    assert [p.place.line for p in error.value.problems] == [6]


def test_check_of_a_folder_reports_that_folder_only(tmp_path: Path) -> None:
    write(tmp_path, "bad", "services: {a: {image: 1}}\n")
    good = write(tmp_path, "good", "services: {a: {image: 'i:1'}}\n")
    catalog: Catalog = load_catalog([tmp_path])
    assert check(catalog, good).problems == []
    assert check(catalog, tmp_path / "bad").problems != []


def test_check_notes_what_can_not_be_honoured(tmp_path: Path) -> None:
    write(
        tmp_path,
        "m",
        "services:\n"
        "  a:\n"
        "    image: i:1\n"
        "    scale: 3\n"
        "    deploy:\n"
        "      placement: {constraints: [node.role == manager]}\n"
        "    secrets: [s]\n"
        "    build: {context: ., ssh: [default], platforms: [linux/amd64, linux/arm64]}\n"
        "    volumes:\n"
        "    - {type: bind, source: ., target: /t, bind: {selinux: z, recursive: readonly}}\n"
        "secrets:\n"
        "  s: {external: true}\n",
    )
    report = check(load_catalog([tmp_path]), None)
    assert report.problems == []
    assert [(note.place.line, note.place.key) for note in report.notes] == [
        (6, "services.a.deploy.placement"),
        (8, "services.a.build.ssh"),
        (8, "services.a.build.platforms"),
        (4, "services.a.scale"),
        (9, "services.a.volumes.0.bind.selinux"),
        (12, "secrets.s.external"),
    ]
    remedies = [note.text.render() for note in report.notes]
    assert "compose.override.yaml: `placement: !reset null`" in remedies[0]
    assert remedies[-1].endswith("Give its content by file, content or environment")


def test_an_override_file_takes_back_what_can_not_be_honoured(tmp_path: Path) -> None:
    text = "services: {a: {image: 'i:1', develop: {watch: [{path: ., action: rebuild}]}}}\n"
    folder = write(tmp_path, "m", text)
    assert len(check(load_catalog([tmp_path]), None).notes) == 1
    (folder / "compose.override.yaml").write_text("services: {a: {develop: !reset null}}\n")
    assert check(load_catalog([tmp_path]), None).notes == []


@pytest.mark.parametrize(
    ("mount", "resource", "hidden"),
    [
        ("configs: [{source: c, target: /run/c}]", "configs: {c: {content: x}}", "/run/c"),
        ("secrets: [c]", "secrets: {c: {file: ./c}}", "/run/secrets/c"),
        ("secrets: [{source: c, target: d}]", "secrets: {c: {file: ./c}}", "/run/secrets/d"),
    ],
)
def test_a_file_below_a_tmpfs_is_an_error(
    tmp_path: Path, mount: str, resource: str, hidden: str
) -> None:
    write(tmp_path, "m", f"services: {{a: {{image: 'i:1', tmpfs: [/run], {mount}}}}}\n{resource}\n")
    catalog = load_catalog([tmp_path])
    with pytest.raises(CatalogError, match=hidden):
        resolve(catalog, catalog.module("m"), {})
    assert len(check(catalog, None).problems) == 1


def test_a_folder_name_that_no_container_can_have_is_an_error(tmp_path: Path) -> None:
    for name in ("My Mod", "a.b", "模块"):
        write(tmp_path, name, declared())
    catalog = load_catalog([tmp_path])
    assert list(catalog.modules) == []
    assert len(catalog.problems) == 3


def test_a_value_equal_to_the_files_default_wins_over_dotenv(tmp_path: Path) -> None:
    folder = write(tmp_path, "plain", 'services: {web: {image: "i:${TAG:-1}"}}\n')
    (folder / ".env").write_text("TAG=2\n", encoding="utf-8")
    catalog = load_catalog([tmp_path])
    resolved = resolve(catalog, catalog.module("plain"), {"plain.TAG": "1"})
    assert resolved.project.services["web"].image == "i:1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can step down to another user")
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
