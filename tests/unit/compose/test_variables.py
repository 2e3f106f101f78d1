from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.catalog.compose.variables import Variable, find_variables


def test_variables_have_their_default_and_first_place(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services:\n"
        "  a:\n"
        "    image: i:$TAG\n"
        "    command: ${TAG:-1} ${NEED:?why ${INNER-x}} ${TAG-2} $$NOT\n"
        "    environment: [NAMED, 'SET=1', OTHER=$VALUE]\n"
        "    build: {args: {ARG: , SET: 1}}\n"
        "x-aiserver:\n"
        "  open: http://localhost:${PORT:-${FALLBACK:-8}0}\n"
        "secrets: {s: {environment: TOKEN}, file: {file: ./f}}\n"
        "configs: {c: {environment: CONF}}\n"
    )

    found = find_variables(file)

    key = "services.a"
    assert found == {
        "TAG": Variable("TAG", "1", Place(file, 3, f"{key}.image")),
        "NEED": Variable("NEED", None, Place(file, 4, f"{key}.command")),
        "INNER": Variable("INNER", "x", Place(file, 4, f"{key}.command")),
        "VALUE": Variable("VALUE", None, Place(file, 5, f"{key}.environment.2")),
        "PORT": Variable("PORT", "80", Place(file, 8, "x-aiserver.open")),
        "FALLBACK": Variable("FALLBACK", "8", Place(file, 8, "x-aiserver.open")),
        "NAMED": Variable("NAMED", None, Place(file, 5, f"{key}.environment.0")),
        "ARG": Variable("ARG", None, Place(file, 6, f"{key}.build.args.ARG")),
        "TOKEN": Variable("TOKEN", None, Place(file, 9, "secrets.s.environment")),
        "CONF": Variable("CONF", None, Place(file, 10, "configs.c.environment")),
    }


def test_extended_included_and_override_files_count(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "compose.yaml").write_text(
        "include: [sub/inc.yaml, {path: sub/two.yaml, project_directory: .}, absent.yaml]\n"
        "services: {a: {extends: {file: '${F:-sub/base.yaml}', service: b}}}\n"
    )
    (tmp_path / "compose.override.yaml").write_text("x-a: $OVERRIDE")
    (tmp_path / "sub/inc.yaml").write_text("services: {c: {extends: {file: base.yaml}}}\nx-a: $INC")
    (tmp_path / "sub/two.yaml").write_text("services: {d: {extends: {file: top.yaml}}}")
    (tmp_path / "top.yaml").write_text("x-a: $TOP")
    (tmp_path / "sub/base.yaml").write_text("include: [inc.yaml]\nx-a: $BASE")

    assert set(find_variables(tmp_path)) == {"F", "OVERRIDE", "INC", "TOP", "BASE"}


def test_every_malformed_variable_is_reported(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("x-a: ${\nx-b: $OK\nx-c: ${1}\n")

    with pytest.raises(CatalogError) as refused:
        find_variables(tmp_path)

    assert [problem.place.line for problem in refused.value.problems] == [1, 3]
