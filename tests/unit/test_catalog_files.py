"""``x-aiserver`` in other files than the main one: overrides, extended and included files."""

from pathlib import Path

import pytest

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.check import check
from aiserver_tray.catalog.extension import stated
from aiserver_tray.catalog.jobs import jobs_in
from aiserver_tray.catalog.resolve import outline, resolve
from aiserver_tray.spec.outline import module_model
from tests.unit.module_folders import declared, write

STATING = "services: {main: {image: 'busybox:1', x-aiserver: EXTENSION}}"
ELSEWHERE = {
    "override": ("compose.override.yaml", "image: busybox:1", ""),
    "extended": ("other.yaml", "extends: {service: main, file: other.yaml}", ""),
    "included": ("other.yaml", "", "include: [other.yaml]"),
}


def elsewhere(root: Path, how: str, extension: str) -> Path:
    """Lets the service ``main`` of a module have its x-aiserver from another file."""
    name, body, top = ELSEWHERE[how]
    write(root, "db", declared())
    service = f"services:\n  main:\n    {body}" if body else ""
    head = "x-aiserver: {kind: feature, requires: [db]}"
    folder = write(root, "web", "\n".join([head, service, top]))
    file = folder / name
    file.write_text("\n" + STATING.replace("EXTENSION", extension), encoding="utf-8")
    return file


@pytest.mark.parametrize("how", ELSEWHERE)
def test_extension_of_a_service_in_another_file_is_used(tmp_path: Path, how: str) -> None:
    elsewhere(tmp_path, how, "{job: true, requires: []}")
    catalog = load_catalog([tmp_path])
    resolved = resolve(catalog, catalog.module("web"), {})
    extension = stated(resolved.project.services["main"].extensions)
    assert extension.job
    assert extension.waited_for(resolved.requires) == ()
    assert jobs_in(resolved.project) == {"main"}
    assert [
        s.is_job for s in module_model(outline(catalog, resolved.module, {}), "::1").services
    ] == [True]


@pytest.mark.parametrize("how", ELSEWHERE)
def test_problem_in_another_file_is_reported_with_that_file(tmp_path: Path, how: str) -> None:
    file = elsewhere(tmp_path, how, "{requires: [db, cache]}")
    (problem,) = check(load_catalog([tmp_path]), None).problems
    assert (problem.place.file, problem.place.line) == (file, 2)
    assert problem.place.key == "services.main.x-aiserver.requires.1"
    assert "one of the required modules (db), found 'cache'" in problem.render()


def test_the_last_of_a_modules_own_files_says_what_it_is(tmp_path: Path) -> None:
    folder = write(tmp_path, "web", declared("{PORT: {type: port, default: 1}}"))
    override = folder / "compose.override.yaml"
    override.write_text("x-aiserver: {kind: basic, open: 'http://localhost:1'}", encoding="utf-8")
    catalog = load_catalog([tmp_path])
    module = catalog.module("web")
    assert (module.kind, module.settings, module.file.name) == ("basic", {}, "compose.yaml")
    assert resolve(catalog, module, {}).open == "http://localhost:1"

    override.write_text("x-aiserver: !reset null", encoding="utf-8")
    assert not load_catalog([tmp_path]).module("web").declared

    override.write_text("x-aiserver: {settings: {PORT: {default: 2}}}", encoding="utf-8")
    (problem,) = load_catalog([tmp_path]).problems
    assert (problem.place.file, problem.place.key) == (override, "x-aiserver.kind")


@pytest.mark.parametrize("how", ["extended", "included"])
def test_check_notes_what_another_file_says_of_its_module(tmp_path: Path, how: str) -> None:
    file = elsewhere(tmp_path, how, "{}")
    with file.open("a", encoding="utf-8") as text:
        text.write("\nx-aiserver: {kind: basic}\n")
    report = check(load_catalog([tmp_path]), None)
    assert report.problems == []
    found = [(n.place.line, n.place.key) for n in report.notes if n.place.file == file]
    assert found == [(3, "x-aiserver")]
