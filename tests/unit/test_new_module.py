"""A new module is its folder: nothing else has to name it."""

import json
import re
import shutil
from pathlib import Path

import pytest

import catalog_table
import lint_catalog
from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.catalog.check import check
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.spec.build import module_target
from aiserver_tray.spec.labels import Owner
from tests.support.command_line import CommandLine
from tests.unit.module_folders import write_whoami

ROOT = Path(__file__).parents[2]
LOG_INS = ROOT / "build/verifier/log_ins.py"
"""Need not name a new module: the check of the images then reports its log-in as not known."""
SOURCES = ("aiserver_tray/**/*.py", "build/**/*.py", "ui/js/**/*.js", "ui/css/**/*.css")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The built-in catalog with the new module ``whoami``."""
    root = tmp_path / "orchestration"
    shutil.copytree(built_in_catalog(), root)
    write_whoami(root / "features")
    return root


@pytest.fixture
def catalog(root: Path) -> Catalog:
    return load_catalog([root])


def test_it_is_listed(cli: CommandLine, tmp_path: Path) -> None:
    write_whoami(tmp_path / "more/features")
    listed = cli.call("--catalog", tmp_path / "more", "catalog", "list", "--json")
    assert "whoami" in [row["name"] for row in json.loads(listed.output)]


def test_it_is_checked_without_notes_beside_all_others(catalog: Catalog) -> None:
    report = check(catalog, None)
    assert "whoami" in report.checked
    assert (report.problems, report.notes, report.consents) == ([], [], {})


def test_the_linter_of_the_catalog_takes_it(root: Path) -> None:
    done = lint_catalog.lint(root)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_has_it_and_explains_each_empty_cell(catalog: Catalog) -> None:
    (row,) = catalog_table.rows(catalog, catalog.modules["whoami"])
    assert row.cells["health check"]
    assert all(row.cells[column] or row.why_empty(column) for column in catalog_table.COLUMNS)


def test_it_can_be_created_on_an_engine(catalog: Catalog) -> None:
    resolved = resolve(catalog, catalog.module("whoami"), {})
    target = module_target(resolved, Owner("id", "1"), bind="127.0.0.1", values={})
    (service,) = target.services
    assert "18300" in json.dumps(service.body)


def test_no_source_lists_the_modules() -> None:
    """A module may be mentioned, as in an example; a list would have to name a new one."""
    names = load_catalog([built_in_catalog()]).modules
    word = re.compile(rf"(?<![\w-])({'|'.join(names)})(?![\w-])")
    for pattern in SOURCES:
        for file in {*ROOT.glob(pattern)} - {LOG_INS}:
            named = {*word.findall(file.read_text(encoding="utf-8"))}
            assert len(named) <= len(names) / 2, f"{file} names {sorted(named)}"
