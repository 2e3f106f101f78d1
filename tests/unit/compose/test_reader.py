import os
from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.compose.files import read_documents
from aiserver_tray.catalog.compose.nodes import MAX_DEPTH, MAX_NODES
from aiserver_tray.catalog.compose.reader import Document, Noted, noting_files, parse_documents
from aiserver_tray.catalog.resolve import Outline, outline


def read(folder: Path, text: str | bytes) -> tuple[Document, ...]:
    file = folder / "compose.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return parse_documents(file)


def value_of(folder: Path, scalar: str) -> object:
    return read(folder, f"key: {scalar}")[0].tree["key"]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("'~'", "~"),
        ("False", False),
        ("-0x1", -1),
        ("1e400", "1e400"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("2001-12-14", "2001-12-14 00:00:00 +0000 UTC"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.1 -0500 -0500"),
        ("2001-02-30", "2001-02-30"),
    ],
)
def test_scalars_that_no_file_of_the_oracle_has(scalar: str, value: object, tmp_path: Path) -> None:
    found = value_of(tmp_path, scalar)

    assert found == value
    assert type(found) is type(value)


def test_dates_in_extensions_are_those_of_json(tmp_path: Path) -> None:
    document = read(tmp_path, "x-day: {at: 2001-12-14}")[0]

    assert document.tree == {"x-day": {"at": "2001-12-14T00:00:00Z"}}


def test_merge_keys_give_way_to_own_keys_and_earlier_sources(tmp_path: Path) -> None:
    tree = read(tmp_path, "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3, d: 3}")[
        0
    ].tree

    assert tree["z"] == {"a": 1, "b": 1, "c": 3, "d": 3}


def test_values_of_one_anchor_are_not_shared(tmp_path: Path) -> None:
    tree = read(tmp_path, "a: &a {b: [1]}\nc: *a")[0].tree
    tree["a"]["b"].append(2)

    assert tree["c"] == {"b": [1]}


def test_reset_leaves_the_key_out_and_override_keeps_it(tmp_path: Path) -> None:
    document = read(tmp_path, "a: {b: !reset x, c: !override [1]}\nd: [1, !reset 2]")[0]

    assert document.tree == {"a": {"c": [1]}, "d": [1]}
    assert document.resets == {("a", "b"), ("a", "c"), ("d", 1)}


def test_documents_of_a_file_are_separate(tmp_path: Path) -> None:
    assert [d.tree for d in read(tmp_path, "a: 1\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]


def test_a_place_is_that_of_the_key_or_of_the_nearest_value_around_it(tmp_path: Path) -> None:
    document = read(
        tmp_path, "a:\n  b:\n    - 1\n    - c: 2\nbase: &base\n  d: 3\ne:\n  <<: *base\n"
    )[0]

    assert document.place(("a", "b", 1, "c")).line == 4
    assert document.place(("a", "b", 7)).line == 2
    assert document.place(("a", "missing", "deeper")).line == 1
    assert document.place(("e", "d")).line == 6
    assert document.place(("a", "b", 1)).key == "a.b.1"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a: 1\na: 2\n", 2, "a duplicate"),
        ("a:\n  - [1, 2\n", None, "valid YAML"),
        ("a: b: c", 1, "valid YAML"),
        ("a: *x", 1, "no anchor &x"),
        ("a: &x [*x]", 1, "inside its own anchor"),
        ("5: a", 1, "text as a key"),
        ("true: a", 1, "text as a key"),
        ("? [a]\n: b", 1, "found a list or mapping"),
        ("- a", 1, "mapping with services"),
        ("a: 1\n---\n", None, "mapping with services"),
        ("a: !!int x", 1, "of the type !!int"),
        ("a: !!binary '*'", 1, "base64"),
        ("a: .inf", 1, "finite"),
        ("a: {<<: [1]}", 1, "mapping to merge"),
        ("a: \x07", None, "valid YAML"),
        ("%YAML 1.2\n---\na: 1", 1, "version 1.1, found 1.2"),
        ("a: 1\n...\n%YAML 1.2\n---\nb: 1", 3, "version 1.1, found 1.2"),
        ("%YAML 2.0\n---\na: 1", 1, "incompatible"),
        ("%YAML 1.1\n%YAML 1.1\n---\na: 1", 2, "duplicate %YAML"),
        ("%FOO 1\n---\na: 1", 1, "unknown directive"),
        (b"a: \xff", None, "valid YAML"),
    ],
)
def test_text_that_is_no_compose_yaml_is_refused_with_its_line(
    text: str | bytes, line: int | None, why: str, tmp_path: Path
) -> None:
    with pytest.raises(CatalogError, match=why) as refused:
        read(tmp_path, text)

    place = refused.value.problems[0].place
    assert place.file == tmp_path / "compose.yaml"
    assert line is None or place.line == line


def test_nesting_up_to_the_limit_is_read(tmp_path: Path) -> None:
    deep = "x: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)

    assert read(tmp_path, deep)
    with pytest.raises(CatalogError, match="levels of nesting"):
        read(tmp_path, deep.replace("[", "[[").replace("]", "]]"))


def test_the_directive_of_the_version_that_is_read_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path, "%YAML 1.1\n---\na: 1")[0].tree == {"a": 1}


@pytest.mark.parametrize("text", ["- a\n", "---\na: 1\n"])
def test_a_file_with_more_values_than_any_needs_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="at most 200000 values"):
        read(tmp_path, text * MAX_NODES)


def test_a_file_that_is_empty_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("# nothing\n")

    with pytest.raises(CatalogError, match="empty file"):
        read_documents(tmp_path / "compose.yaml")
    with pytest.raises(CatalogError, match="does not exist"):
        read_documents(tmp_path / "absent.yaml")


def test_a_folder_means_its_compose_file_and_the_override_beside_it(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"compose\.yaml, compose\.yml"):
        read_documents(tmp_path)
    (tmp_path / "docker-compose.yml").write_text("a: 1")
    (tmp_path / "docker-compose.override.yml").write_text("b: 2")

    assert [d.tree for d in read_documents(tmp_path)] == [{"a": 1}, {"b": 2}]


def test_a_file_is_read_again_once_it_was_changed(tmp_path: Path) -> None:
    file, other = tmp_path / "compose.yaml", tmp_path / "other.yaml"
    read(tmp_path, "a: 1")
    os.utime(file, (0, 0))
    first = parse_documents(file)
    assert parse_documents(file) is first

    file.write_text("a: 2")
    assert parse_documents(file)[0].tree == {"a": 2}

    os.utime(file, (0, 0))
    assert parse_documents(file)[0].tree == {"a": 2}
    other.write_text("a: 3")
    os.utime(other, (0, 0))
    other.replace(file)
    assert parse_documents(file)[0].tree == {"a": 3}


def test_a_file_that_was_changed_just_now_is_not_kept(tmp_path: Path) -> None:
    """Its next change may have the same time."""
    assert read(tmp_path, "a: 1") is not parse_documents(tmp_path / "compose.yaml")


def test_a_module_is_made_again_once_its_files_or_values_have_changed(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()

    def write(file: str, text: str) -> None:
        (folder / file).write_text(text)
        for path in (*folder.iterdir(), folder):
            os.utime(path, (0, 0))

    def made(image: str) -> Outline:
        catalog = load_catalog([tmp_path])
        return outline(catalog, catalog.modules["m"], {"m.IMAGE": image})

    extends = "extends: {file: base.yaml, service: web}"
    write("base.yaml", "services: {web: {hostname: a}}")
    write("compose.yaml", f"services: {{web: {{{extends}, image: '${{IMAGE:-none}}'}}}}")
    first = made("one")
    assert first.services["web"] == {"hostname": "a", "image": "one", "networks": {"default": None}}
    assert made("one") is first
    noted: Noted = {}
    with noting_files(noted):
        made("one")
    assert {str(folder / name) for name in ("base.yaml", "compose.override.yaml")} <= set(noted)

    other = made("two")
    assert (other.module, other.services["web"]["image"]) == (first.module, "two")
    write("base.yaml", "services: {web: {hostname: b}}")
    assert made("two").services["web"]["hostname"] == "b"
    write("compose.override.yaml", "services: {web: {hostname: c}}")
    assert made("two").services["web"]["hostname"] == "c"
    assert made("two").module is not first.module
