from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.load import load_project


def variables(folder: Path, text: str) -> dict[str, str]:
    file = folder / "some.env"
    file.write_bytes(text.encode())
    return read_env_file(file)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\nB = x y \n", {"A": "1", "B": "x y"}),
        ("\ufeffA=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("# c\n\nA=1 # c\nB=1#2\n  # c", {"A": "1", "B": "1#2"}),
        ("export A=1\nexport\tB=2", {"A": "1", "B": "2"}),
        ("A: 1\nB=", {"A": "1", "B": ""}),
        ("A=1\nB=${A}2$A\nC='$A'\nD=\"$A\"", {"A": "1", "B": "121", "C": "$A", "D": "1"}),
        ("B=${X:-d}", {"B": "d"}),
        (r'A="a\nb\t\"c\" \$x \\ \q"', {"A": 'a\nb\t"c" $x \\ \\q'}),
        (r"A='a\nb \'c\''", {"A": r"a\nb 'c'"}),
        (r'A="\0101\053\0999"', {"A": r"A\53\999"}),
        ('A="1\n2"\nB=3', {"A": "1\n2", "B": "3"}),
        ("A=$$x", {"A": "$x"}),
        ("A.b-c[0]_é=1", {"A.b-c[0]_é": "1"}),
        ("A\nB=1", {"B": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ("", {}),
    ],
)
def test_env_files_are_read_as_the_oracle_reads_them(
    text: str, found: dict[str, str], tmp_path: Path
) -> None:
    assert variables(tmp_path, text) == found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nB C=2", 2),
        ("A=1\n=2", 2),
        ("A!=1", 1),
        ("A=1\n\nB='x", 3),
        ("A=1\nB=${", 2),
        ("A=1\nB", 2),
    ],
)
def test_a_line_that_assigns_nothing_is_refused(text: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as refused:
        variables(tmp_path, text)

    assert refused.value.problems[0].place.line == line


@pytest.mark.parametrize("value", ["'hunter2", "hunter2${", '"hunter2${1}"'])
def test_a_refusal_does_not_show_the_value(value: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as refused:
        variables(tmp_path, f"PASSWORD={value}")

    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(refused.value.data)


def test_values_that_grow_with_each_line_are_refused(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=xxxxxxxx\n" + "A=${A}${A}\n" * 60, encoding="utf-8")
    with pytest.raises(CatalogError, match=r"env:2\d: expected variables that .* 16 MiB"):
        read_env_file(tmp_path / "env")


def test_an_env_file_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services: {s: {image: i, env_file: .env}}\n")
    with pytest.raises(CatalogError) as error:
        load_project(file, {})
    assert [p.text.render() for p in error.value.problems] == [
        f"can't read {tmp_path / '.env'}: the file does not exist. Create it (there may be an "
        "example in the same folder), or set required: false"
    ]


def test_a_service_gets_its_env_files_below_its_own_environment(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=file\nB=file\nC=${PROJECT}\n")
    (tmp_path / "b.env").write_text("B=second ${A}\n")
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        "  s:\n"
        "    image: i\n"
        "    environment: [A=own, GIVEN, UNKNOWN]\n"
        "    env_file: [a.env, b.env, {path: absent.env, required: false}]\n"
    )

    project = load_project(tmp_path, {"PROJECT": "p", "GIVEN": "g"})

    assert project.services["s"].environment == {
        "A": "own",
        "B": "second file",
        "C": "p",
        "GIVEN": "g",
        "UNKNOWN": None,
    }
    assert "env_file" not in project.to_compose()["services"]["s"]


def test_labels_and_build_arguments_are_completed(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("a=file\nb=file\n")
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        "  s:\n"
        "    build: {context: ., args: [GIVEN, UNKNOWN, OWN=1]}\n"
        "    labels: {a: own}\n"
        "    label_file: labels\n"
    )

    service = load_project(tmp_path, {"GIVEN": "g"}).services["s"]

    assert service.labels == {"a": "own", "b": "file"}
    assert service.build
    assert service.build.args == {"GIVEN": "g", "OWN": "1"}


def test_a_missing_env_file_is_refused_only_where_its_service_runs(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        "  s: {image: i}\n"
        "  t:\n"
        "    image: i\n"
        "    profiles: [p]\n"
        "    env_file:\n"
        "      - absent.env\n"
    )

    assert list(load_project(tmp_path, {}).services) == ["s"]
    with pytest.raises(CatalogError, match="does not exist") as refused:
        load_project(tmp_path, {}, profiles=["p"])
    assert refused.value.problems[0].place.line == 7


def test_variables_of_the_process_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAK", "leaked")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "leaked")
    monkeypatch.setenv("COMPOSE_PROFILES", "leaked")
    (tmp_path / "compose.yaml").write_text(
        "services:\n  s: {image: 'i:x$LEAK', environment: [LEAK]}\n"
        "  t: {image: i, profiles: [leaked]}\n  u: {image: i, profiles: [q]}\n"
    )

    assert "leaked" not in str(load_project(tmp_path, {}).to_compose())
    both = load_project(tmp_path, {"COMPOSE_PROFILES": "leaked"}, profiles=["q"])
    assert {*both.services} == {"s", "t", "u"}, "profiles of the variable and of the call"
