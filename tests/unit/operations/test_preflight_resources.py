"""Memory and disk that modules need, and values that only the user can give."""

from pathlib import Path

from aiserver_tray.base.errors import ResourcesError, SettingError
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.core.targets import missing_values
from aiserver_tray.engine.values import ContainerSummary
from aiserver_tray.model import ContainerStatus
from aiserver_tray.operations.preflight.preflight import first_start_notices, problems
from aiserver_tray.operations.preflight.resources import memory_notices
from aiserver_tray.operations.survey import Found, Machine, Survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget
from tests.support.preflight_targets import OURS, module_of, service_of, target_of

GIB = 1024**3
EMPTY = Survey(OURS.installation)


def needing(folder: Path, name: str, needs: str) -> ModuleTarget:
    """A module with *needs*."""
    head = f"x-aiserver: {{kind: feature, needs: {{{needs}}}}}\n"
    return target_of(folder, name, head + service_of(name))


def with_container(module: str, status: ContainerStatus) -> Survey:
    mine = {labels.INSTALLATION: OURS.installation, labels.MODULE: module}
    found = ContainerSummary("id", f"ai-{module}", mine, status, "none", "i", "sha256:1", ())
    return Survey(OURS.installation, (found,))


def test_a_module_that_needs_more_memory_than_the_engine_has_is_refused(tmp_path: Path) -> None:
    big, small = needing(tmp_path, "big", "memory: 16g"), needing(tmp_path, "small", "memory: 1g")
    (error,) = problems([big, small], EMPTY, Machine(8 * GIB))
    assert isinstance(error, ResourcesError)
    assert str(error) == (
        "big needs 16 GB memory, but the engine has 8 GB. Give the engine more memory (in "
        "Docker Desktop: Settings > Resources; for Windows' own engine: Settings > Docker here), "
        "or don't start this module."
    )
    amounts = {"needed": 16 * GIB, "available": 8 * GIB}
    assert error.data == {"resource": "memory", "module": "big", **amounts}
    # Modules that need more memory together are noticed.
    targets = [needing(tmp_path, name, "memory: 5g") for name in ("a", "b")]
    assert problems(targets, EMPTY, Machine(8 * GIB)) == []
    (notice,) = memory_notices(targets, EMPTY, Machine(8 * GIB))
    assert str(notice).startswith("a, b need 10 GB memory together, but the engine has 8 GB")


def test_less_memory_than_is_free_or_recommended_is_noticed_and_never_refused(
    tmp_path: Path,
) -> None:
    target = needing(tmp_path, "a", "memory: 3g")
    little = Machine(8 * GIB, available_memory=2 * GIB)
    (notice,) = memory_notices([target], with_container("a", "exited"), little)
    assert str(notice).startswith("3 GB of memory is needed for a, but only 2 GB is free")
    assert memory_notices([target], with_container("a", "running"), little) == []
    assert memory_notices([target], EMPTY, Machine(8 * GIB)) == []
    # So is a machine that is smaller than the makers ask for.
    target = needing(tmp_path, "big", "total_memory: 16g")
    assert problems([target], EMPTY, Machine(8 * GIB)) == []
    (notice,) = memory_notices([target], EMPTY, Machine(8 * GIB))
    assert str(notice) == (
        "The makers of big recommend 16 GB memory in total, but the engine has 8 GB. It "
        "may be slow, or run out of memory."
    )
    # A machine of 16 GiB, whose firmware and kernel keep some.
    assert memory_notices([target], EMPTY, Machine(15 * GIB)) == []


def test_new_modules_need_their_disk_space_together(tmp_path: Path) -> None:
    targets = [needing(tmp_path, "a", "disk: 2g"), needing(tmp_path, "b", "disk: 512m")]
    targets.append(needing(tmp_path, "c", "memory: 1g"))
    (error,) = problems(targets, EMPTY, Machine(8 * GIB, free_disk=GIB))
    assert str(error).startswith(
        "The images and data of a, b need 2.5 GB of disk space, but the engine has 1 GB. "
        "Free 1.5 GB more"
    )
    assert (error.data["resource"], error.data["modules"]) == ("disk", ["a", "b"])


def test_disk_space_is_no_matter_where_it_is_unknown_or_the_module_is_there(tmp_path: Path) -> None:
    targets = [needing(tmp_path, "a", "disk: 2g")]
    volume = Found("ai-a-d", {labels.INSTALLATION: OURS.installation, labels.MODULE: "a"})
    theirs = Found("ai-a-d", {labels.MODULE: "a"})
    full = Machine(8 * GIB, free_disk=0)
    assert problems(targets, EMPTY, Machine(8 * GIB)) == []
    assert problems(targets, EMPTY, Machine(8 * GIB, free_disk=2 * GIB)) == []
    assert problems(targets, with_container("a", "exited"), full) == []
    assert problems(targets, Survey(OURS.installation, volumes={"ai-a-d": volume}), full) == []
    assert len(problems(targets, Survey(OURS.installation, volumes={"x": theirs}), full)) == 1


def test_the_need_of_a_first_start_is_noticed_until_the_service_has_its_volume(
    tmp_path: Path,
) -> None:
    head = "x-aiserver: {kind: feature}\n"
    need = "x-aiserver: {first_start: {en: Needs the internet, zh: 需要联网}}"
    file = head + service_of("a", need, "volumes: ['data:/data']") + "\nvolumes: {data: {}}\n"
    target = target_of(tmp_path, "a", file)
    volume = Found("ai-a-data", {labels.INSTALLATION: OURS.installation, labels.MODULE: "a"})

    (notice,) = first_start_notices([target], EMPTY)

    assert [notice.render("en"), notice.render("zh")] == ["Needs the internet", "需要联网"]
    there = Survey(OURS.installation, volumes={"ai-a-data": volume})
    assert first_start_notices([target], there) == []


# -- values that only the user can give ------------------------------------------------------------

FILE = """
x-aiserver:
  kind: feature
  settings:
    A: {type: secret}
    B: {type: secret}
    C: {type: secret}
    D: {type: secret}
    E: {default: x}
services:
  s:
    image: busybox:1.37.0
    environment: {A: "${A}", B: "${B:-none}", C: "${C}", E: "${E}"}
"""


def test_each_used_setting_without_a_value_or_default_is_reported(tmp_path: Path) -> None:
    module = module_of(tmp_path, "web", FILE)
    catalog = Catalog({"web": module})
    errors = missing_values(catalog, module, {"web.E": "x"})
    assert all(isinstance(error, SettingError) for error in errors)
    assert [error.data["name"] for error in errors] == ["web.A", "web.C"]
    assert str(errors[0]).startswith("web.A: it has no value. Set it with: aiserver-tray")
    given = {"web.A": "a", "web.C": "", "web.E": "x"}
    assert missing_values(catalog, module, given) == []
    # Variables of a plain file may be empty.
    plain = module_of(tmp_path, "plain", service_of("s", "environment: {A: '${A}'}"))
    assert missing_values(Catalog({"plain": plain}), plain, {}) == []


def test_a_required_modules_setting_counts_too(tmp_path: Path) -> None:
    secret = "{POSTGRES_PASSWORD: {type: secret, shared: true}}"
    base = f"x-aiserver: {{kind: basic, settings: {secret}}}\n" + service_of("s")
    used = service_of("s", "environment: {P: '${POSTGRES_PASSWORD}'}")
    web = f"x-aiserver: {{kind: feature, requires: [base]}}\n{used}"
    modules = {
        name: module_of(tmp_path, name, file) for name, file in (("base", base), ("web", web))
    }
    for given, missing in (("web", ["base.POSTGRES_PASSWORD"]), ("base", [])):
        errors = missing_values(
            Catalog(modules), modules["web"], {f"{given}.POSTGRES_PASSWORD": "x"}
        )
        assert [error.data["name"] for error in errors] == missing
