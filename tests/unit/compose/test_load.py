from pathlib import Path
from textwrap import dedent

import pytest

from aiserver_tray.base.errors import CatalogError, Place, Problem
from aiserver_tray.catalog.compose.files import find_compose_file, read_documents
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.compose.project import Project
from aiserver_tray.catalog.compose.variables import find_variables


def write(folder: Path, **files: str) -> Path:
    """Files by name, in which ``__`` stands for the folder's separator; all of them YAML."""
    for name, text in files.items():
        file = folder / (name.replace("__", "/") + ".yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
    return folder


def load(folder: Path, **env: str) -> Project:
    return load_project(folder, env)


def problems(folder: Path, **env: str) -> tuple[Problem, ...]:
    with pytest.raises(CatalogError) as refused:
        load_project(folder, env)
    return refused.value.problems


def test_a_compose_file_is_found_by_its_names_in_order(tmp_path: Path) -> None:
    assert find_compose_file(tmp_path) is None
    for name in ("docker-compose.yaml", "docker-compose.yml", "compose.yml", "compose.yaml"):
        (tmp_path / name).touch()
        assert find_compose_file(tmp_path) == tmp_path / name


def test_an_override_lies_over_its_folders_file_but_not_over_a_file_given(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose="services: {a: {image: x, ports: [80], command: a}}",
        **{
            "compose.override": (
                "services: {a: {image: y, ports: !override [81], command: !reset b}}"
            )
        },
    )

    whole = load(tmp_path).services["a"]
    alone = load_project(tmp_path / "compose.yaml", {}).services["a"]

    assert (whole.image, [port.target for port in whole.ports], whole.command) == ("y", [81], None)
    assert (alone.image, [port.target for port in alone.ports]) == ("x", [80])


@pytest.mark.parametrize("value", ["other.yaml", "compose.yaml", ""])
def test_a_folder_whose_files_are_named_by_a_variable_is_refused(
    value: str, tmp_path: Path
) -> None:
    write(tmp_path, compose="services: {a: {image: x}}", other="services: {b: {image: x}}")

    (told,) = problems(tmp_path, COMPOSE_FILE=value)
    assert told.place == Place(tmp_path, None, "COMPOSE_FILE")
    (tmp_path / ".env").write_text(f"COMPOSE_FILE={value}\n")
    (told,) = problems(tmp_path)
    assert told.place == Place(tmp_path / ".env", None, "COMPOSE_FILE")
    assert "rename the file to compose.yaml" in told.text.render()
    for read in (read_documents, find_variables):
        with pytest.raises(CatalogError, match="COMPOSE_FILE is not supported"):
            read(tmp_path)


def test_named_file_is_read_in_spite_of_compose_file(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {a: {image: x}}", other="services: {b: {image: x}}")
    (tmp_path / ".env").write_text("COMPOSE_FILE=compose.yaml\n")

    project = load_project(tmp_path / "other.yaml", {"COMPOSE_FILE": "compose.yaml"})

    assert list(project.services) == ["b"]


@pytest.mark.parametrize(
    ("extends", "why"),
    [
        ("b", "cycle a → b → a"),
        ("nobody", "found 'nobody'. Available: a, b"),
        ("5", "name of a service"),
        ("{service: b, fille: x}", "name of a service"),
        ("{service: b, file: absent.yaml}", "does not exist"),
        ("{service: b, file: empty.yaml}", "services to extend"),
    ],
)
def test_wrong_extends_is_refused_with_its_place(extends: str, why: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        compose=f"services:\n  a:\n    image: i\n    extends: {extends}\n  b: {{extends: a}}\n",
        empty="x-nothing: 1",
    )

    found = [problem for problem in problems(tmp_path) if why in problem.text.render()]

    assert found
    assert found[0].place.line == (1 if "services to extend" in why else 4)


def test_a_long_chain_of_extending_services_is_resolved(tmp_path: Path) -> None:
    services = [f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(1500)]
    write(tmp_path, compose="services:\n" + "".join(services) + "  s1500: {image: i}\n")

    assert load(tmp_path).services["s0"].image == "i"


def test_a_service_that_is_empty_cannot_be_extended(tmp_path: Path) -> None:
    write(tmp_path, compose="services:\n  a: {image: i, extends: b}\n  b:\n")

    assert (3, "services.b") in [(p.place.line, p.place.key) for p in problems(tmp_path)]


def test_includes_within_includes_have_a_limit(tmp_path: Path) -> None:
    write(tmp_path, **{f"f{n}": f"include: [f{n + 1}.yaml]" for n in range(200)})

    with pytest.raises(CatalogError, match="levels of nesting"):
        load_project(tmp_path / "f0.yaml", {})


@pytest.mark.parametrize(
    ("include", "line", "why"),
    [
        ("sub.yaml", 1, "a list"),
        ("[5]", 1, "a file, or a mapping"),
        ("[{path: sub.yaml, paht: x}]", 1, "a file, or a mapping"),
        ("[absent.yaml]", 1, "does not exist"),
        ("[{path: sub.yaml, env_file: absent.env}]", 1, "does not exist"),
        ("[compose.yaml]", 1, "cycle"),
        ("[sub.yaml]", 2, "found 'a' also in an included file"),
    ],
)
def test_wrong_include_is_refused_with_its_place(
    include: str, line: int, why: str, tmp_path: Path
) -> None:
    write(
        tmp_path,
        compose=f"include: {include}\nservices: {{a: {{image: i}}}}\n",
        sub="services: {a: {image: other}}",
    )

    (problem,) = problems(tmp_path)

    assert why in problem.text.render()
    assert problem.place.line == line


def test_a_problem_stands_in_the_file_that_made_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose="""\
            include: [inner.yaml]
            services:
              a: {extends: {file: base.yaml, service: base}}
              b: {image: 5, ports: [x]}
            """,
        inner="""\
            services:
              c:
                image: i
                privileged: maybe
            """,
        base="""\
            services:
              base:
                image: i
                healthcheck:
                  interval: soon
            """,
        **{"compose.override": "services:\n  b:\n    tty: perhaps\n    image: i\n"},
    )

    places = {(p.place.file.name, p.place.line, p.place.key) for p in problems(tmp_path)}

    assert ("compose.yaml", 4, "services.b.ports.0") in places
    assert ("compose.yaml", 4, "services.b.image") in places, "the override hides it not"
    assert ("inner.yaml", 4, "services.c.privileged") in places
    assert ("base.yaml", 5, "services.a.healthcheck.interval") in places
    assert ("compose.override.yaml", 3, "services.b.tty") in places


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose="""\
            services:
              a:
                image: ${TAG:?set it}
                tty: perhaps
              b:
                image: [x]
                unknown: 1
                depends_on: [nobody]
            """,
    )

    assert [problem.place.line for problem in problems(tmp_path)] == [3, 4, 6, 7]


@pytest.mark.parametrize(
    ("written", "env", "name"),
    [
        ("", {}, "folder"),
        ("name: Own_Name-1!", {}, "own_name-1"),
        ("name: p-${N:-x}", {"N": "Y"}, "p-y"),
        ("name: own", {"COMPOSE_PROJECT_NAME": "env"}, "env"),
        ("name: first\n---\nname: last", {}, "last"),
        ("x-y: 1\n---\nname: '!'", {}, "folder"),
    ],
)
def test_the_projects_name(written: str, env: dict[str, str], name: str, tmp_path: Path) -> None:
    folder = tmp_path / "Folder"
    folder.mkdir()
    image = "services: {a: {image: 'x:${COMPOSE_PROJECT_NAME}'}}"
    (folder / "compose.yaml").write_text(written or image)
    (folder / "compose.override.yaml").write_text(image)

    project = load_project(folder, env)

    assert project.name == name
    assert project.services["a"].image == f"x:{name}"


@pytest.mark.parametrize(
    ("written", "env"), [("name: '!'", {}), ("x-y: 1", {"COMPOSE_PROJECT_NAME": "Not a name"})]
)
def test_a_name_that_is_none_is_refused(written: str, env: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, compose=f"services: {{a: {{image: x}}}}\n{written}\n")

    (problem,) = problems(tmp_path, **env)

    assert "project name" in problem.text.render()


def test_paths_are_made_absolute_without_following_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    write(
        real,
        compose="""\
            services:
              a:
                image: i
                build: {context: ../ctx, additional_contexts: {r: "https://x", s: "service:a"}}
                volumes: ["./d:/d", "~/h:/h", "C:\\\\w:/w", "named:/n"]
            volumes: {named: }
            """,
    )

    service = load(tmp_path / "link").services["a"]

    assert service.build
    assert service.build.context == str(tmp_path / "ctx")
    assert service.build.additional_contexts == {"r": "https://x", "s": "service:a"}
    assert [mount.source for mount in service.volumes] == [
        str(tmp_path / "link/d"),
        str(tmp_path / "me/h"),
        "C:\\w",
        "named",
    ]


@pytest.mark.parametrize(
    ("override", "key"), [("services:", "services"), ("services: {a: 5}", "services.a")]
)
def test_services_are_mappings_in_every_file(override: str, key: str, tmp_path: Path) -> None:
    write(tmp_path, compose="services: {a: {image: x}}", **{"compose.override": override})

    (problem,) = problems(tmp_path)

    assert (problem.place.file.name, problem.place.key) == ("compose.override.yaml", key)
