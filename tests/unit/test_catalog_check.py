"""What `catalog check` finds."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog import folders
from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.catalog.check import check
from aiserver_tray.catalog.module_rules import leaving_problems
from aiserver_tray.catalog.resolve import resolve
from tests.unit.module_folders import declared, write

BUILT_IN = Path(__file__).parents[2] / "orchestration"


def test_check_finds_a_name_missing_in_env_example_and_a_secret_in_it(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        "m",
        declared("{A: {default: a}, S: {type: secret, generate: hex32}}", body="image: '${A}:1'"),
    )
    (folder / "env.example").write_text("S=real\nB=1\nCOMPOSE_PROFILES=p\n", encoding="utf-8")
    problems = check(load_catalog([tmp_path]), None).problems
    assert [problem.render().split(": ")[1] for problem in problems] == ["A", "S", "B"]


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
        f"{folder}/compose.yaml:2: services.a.command.0: missing values: ONE, TWO. "
        "Set them, for example: aiserver-tray config set m.ONE VALUE"
    ]


def _notes(tmp_path: Path, text: str, dotenv: str = "") -> list[str]:
    folder = write(tmp_path, "m", text)
    (folder / ".env").write_text(dotenv, encoding="utf-8")
    return [note.text.render() for note in check(load_catalog([tmp_path]), None).notes]


def test_check_notes_secrets_and_configs_without_a_value(tmp_path: Path) -> None:
    text = (
        "services: {a: {image: 'i:1', secrets: [s], configs: [c]}}\n"
        "secrets: {s: {environment: TOKEN}}\n"
        "configs: {c: {environment: CONFIG}}\n"
    )
    assert _notes(tmp_path, text, "CONFIG=\n") == [
        "missing values: TOKEN. Set them, for example: aiserver-tray config set m.TOKEN -"
    ]


def test_check_notes_only_variables_whose_value_is_used(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  a: {image: 'i:1', command: ['${A:-${B}}', '${C:+${D}}', '${C:-${E}}']}\n"
        "  idle: {image: 'i:1', profiles: [idle], command: ['$F']}\n"
        "  busy: {image: 'i:1', profiles: ['${BUSY}'], command: ['$G']}\n"
    )
    assert _notes(tmp_path, text, "A=1\nBUSY=busy\nCOMPOSE_PROFILES=other, busy\n") == [
        "missing values: E, G. Set them, for example: aiserver-tray config set m.E VALUE"
    ]


def test_missing_image_of_a_service_names_the_variable(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  a:\n"
        "    image: ${IMAGE}\n"
        "  ab:\n"
        "    image: i:1\n"
        "    command: ['$OTHER', '$IMAGE']\n"
    )
    write(tmp_path, "m", text)
    report = check(load_catalog([tmp_path]), None)
    assert [(p.place.line, p.text.render()) for p in report.problems] == [
        (
            2,
            "expected an image or a build, found neither. Missing values: IMAGE. Set them, for "
            "example: aiserver-tray config set m.IMAGE VALUE",
        )
    ]
    assert [note.text.render() for note in report.notes] == [
        "missing values: OTHER. Set them, for example: aiserver-tray config set m.OTHER VALUE"
    ]


def test_required_variable_of_an_inactive_service_is_named(tmp_path: Path) -> None:
    idle = "{image: 'i:1', profiles: [idle], command: ['${KEY:?the key}']}"
    write(tmp_path, "m", f"services:\n  a: {{image: 'i:1'}}\n  idle: {idle}\n")
    report = check(load_catalog([tmp_path]), None)
    assert [p.text.render() for p in report.problems] == [
        "expected a value for KEY: the key. Missing values: KEY. Set them, for example: "
        "aiserver-tray config set m.KEY VALUE"
    ]
    assert report.notes == []


def test_problem_due_to_an_empty_variable_names_it(tmp_path: Path) -> None:
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
        ", found ':/data'. Missing values: DATA. Set them, for example: aiserver-tray config "
        "set m.DATA VALUE"
    )
    assert problems[5] == (
        "expected a value for KEY: the key. Missing values: KEY. Set them, for example: "
        "aiserver-tray config set m.KEY VALUE"
    )
    assert problems[6].endswith("found 'x'")
    with pytest.raises(CatalogError) as error:
        resolve(catalog, catalog.module("m"), {"m.DATA": "./d", "m.KEY": "k"})
    assert [p.place.line for p in error.value.problems] == [6]


def test_check_notes_folders_that_are_passed_over(tmp_path: Path) -> None:
    for file in ("repository/docker/docker-compose.yaml", "other/docker-compose.prod.yml"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("services: {a: {image: 'i:1'}}\n", encoding="utf-8")
    (tmp_path / "data").mkdir()
    (write(tmp_path, "good", "services: {a: {image: 'i:1'}}\n") / "compose.more.yaml").touch()

    def notes() -> list[str]:
        return sorted(note.render() for note in check(load_catalog([tmp_path]), None).notes)

    assert notes() == [
        f"{tmp_path}/other/docker-compose.prod.yml: {tmp_path}/other is not a module, because "
        "it has no compose.yaml. Create one there with `include: [docker-compose.prod.yml]`",
        f"{tmp_path}/repository/docker/docker-compose.yaml: {tmp_path}/repository is not a module, "
        "because it has no compose.yaml. Create one there with "
        "`include: [docker/docker-compose.yaml]`",
    ]
    own = "include: [docker/docker-compose.yaml]\n"
    (tmp_path / "repository/compose.yaml").write_text(own, encoding="utf-8")
    assert len(notes()) == 1
    assert "repository" in load_catalog([tmp_path]).modules
    assert check(load_catalog([tmp_path / "repository"]), None).notes == [], "one module, as root"


def test_check_of_a_folder_reports_that_folder_only(tmp_path: Path) -> None:
    write(tmp_path, "bad", "services: {a: {image: 1}}\n")
    good = write(tmp_path, "good", "services: {a: {image: 'i:1'}}\n")
    catalog: Catalog = load_catalog([tmp_path])
    assert check(catalog, good).problems == []
    assert check(catalog, tmp_path / "bad").problems != []


STAYING = (
    "SELECT 1;\n\\connect postgres\nCREATE DATABASE mine;",
    "\\c postgres\n",
    "psql --dbname=postgres -c 'SELECT 1'",
    "PGDATABASE=postgres psql",
    "REVOKE CONNECT ON DATABASE mine FROM PUBLIC; -- because",
)
LEAVING = (
    "\\connect mine",
    "\\c mine",
    "SELECT 1 \\c mine",
    "\\connect :database",
    "\\c `echo mine`",
    "\\c postgres mine",
    "\\connect 'postgresql://postgres@postgres/mine'",
    "\\set go '\\\\c mine'\n:go",
    "\\i /tmp/more.sql",
    "\\setenv PGDATABASE mine",
    "PGDATABASE=mine psql -c 'SELECT 1'",
    "psql --dbname=mine",
    "psql -d mine",
    "psql postgresql://postgres:word@postgres/mine",
    "use mine; SELECT 1",
)
"""Of MySQL, too."""


def test_an_administrators_script_stays_in_the_servers_own_database(tmp_path: Path) -> None:
    body = (
        "image: 'postgres:17.11-alpine'\n"
        "    environment: {PGHOST: postgres, PGPASSWORD: '${POSTGRES_PASSWORD}'}\n"
        "    configs: [script]\n"
        "configs: {script: {file: ./script.sql}}"
    )
    folder = write(tmp_path, "m", declared(requires="[postgres]", body=body))
    catalog = load_catalog([BUILT_IN, tmp_path])

    def found(script: str) -> list[str]:
        (folder / "script.sql").write_text(script, encoding="utf-8")
        problems = leaving_problems(catalog, catalog.module("m"))
        return [problem.place.key for problem in problems]

    assert [script for script in STAYING if found(script)] == []
    assert [script for script in LEAVING if found(script) != ["services.main.configs.0"]] == []
    # Whoever has another's password only may go where that one may.
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    (folder / "compose.yaml").write_text(text.replace("${POSTGRES_PASSWORD}", "own"), "utf-8")
    catalog = load_catalog([BUILT_IN, tmp_path])
    assert found(LEAVING[0]) == []


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
    assert "compose.override.yaml with `placement: !reset null`" in remedies[0]
    assert remedies[-1].endswith("Define the content with file, content or environment")


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


def test_a_folder_that_is_no_catalog_is_searched_within_limits_and_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, root = tmp_path / "far", tmp_path / "root"
    for name in ("far/one", "far/other", "root/a", "root/z/docker"):
        (tmp_path / name).mkdir(parents=True)
    for file in (far / "docker-compose.prod.yml", root / "z/docker/docker-compose.prod.yml"):
        file.write_text("services: {a: {image: 'i:1'}}\n", encoding="utf-8")
    (root / "a/link").symlink_to(far)

    (note,) = check(load_catalog([root]), None).notes
    assert note.place.file.is_relative_to(root / "z")
    monkeypatch.setattr(folders, "_MAX_ENTRIES", 2)
    assert check(load_catalog([root]), None).notes == []
    monkeypatch.setattr(folders, "MAX_FOLDERS", 2)
    (problem,) = check(load_catalog([root, far]), root).problems
    assert problem.render().startswith(f"{root}/*: expected fewer than")


def test_many_folders_with_files_of_another_name_are_each_noted(tmp_path: Path) -> None:
    found = [tmp_path / str(number) for number in range(500)]
    for folder in found:
        folder.mkdir()
        (folder / "compose.prod.yaml").touch()
    assert len([*folders.ignored_folders(found, [])]) == 500
