"""Settings of the engine's kernel: which are refused, which are fixed, and in what order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    EngineRequestError,
    ObjectNotFoundError,
)
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.operations.plan.plan import Plan
from aiserver_tray.operations.plan.up import plan_up, with_kernel_settings
from aiserver_tray.operations.preflight.kernel import examine_kernel
from aiserver_tray.spec.kernel import HELPER, KernelSetting, raising, reading
from aiserver_tray.spec.model import ModuleTarget
from tests.support.preflight_targets import OURS, service_of, target_of
from tests.unit.operations.planning import running

MAPS = "vm.max_map_count"


SETTING = f"kernel_setting {MAPS}=262144"


@dataclass
class Kernel:
    """One with these *values*; ``asked`` gathers what was read."""

    values: Mapping[str, int]
    may_raise: bool = False
    is_ours: bool = True
    error: AiServerError | None = None
    asked: list[Mapping[str, int]] = field(default_factory=list)

    def read(self, needed: Mapping[str, int]) -> dict[str, int]:
        self.asked.append(needed)
        if self.error:
            raise self.error
        return {name: self.values[name] for name in needed if name in self.values}

    def to_raise(self, name: str, value: int, modules: Iterable[str]) -> KernelSetting:
        return KernelSetting(name, value, frozenset(modules), raising(name, value, OURS))


def needing(folder: Path, name: str, **sysctls: int) -> ModuleTarget:
    """A module that needs these settings, written with ``__`` for a dot."""
    needs = ", ".join(f"{n.replace('__', '.')}: {value}" for n, value in sysctls.items())
    head = f"x-aiserver: {{kind: feature, needs: {{sysctls: {{{needs}}}}}}}\n"
    return target_of(folder, name, head + service_of(name))


def test_low_kernel_setting_is_refused_with_both_fixes(tmp_path: Path) -> None:
    low = needing(tmp_path, "a", vm__max_map_count=1000)
    high = needing(tmp_path, "b", vm__max_map_count=262144, vm__swappiness=10)
    kernel = Kernel({MAPS: 999, "vm.swappiness": 60})
    report = examine_kernel([high, low], ["a", "b"], kernel)
    (error,) = report.errors
    error.hide(["no secret of it"])  # as every operation does
    assert str(error) == (
        "b needs the kernel setting vm.max_map_count to be at least 262144; it is 999. To let "
        "AI-Server Tray set it, run: aiserver-tray config set app.kernel_settings true. To set "
        "it yourself, run: sudo sysctl -w vm.max_map_count=262144"
    )
    data = error.data
    (remedy,) = data.pop("remedies")
    assert data == {"resource": MAPS, "module": "b", "needed": 262144, "available": 999}
    assert (remedy["setting"], remedy["value"]) == ("app.kernel_settings", "true")
    assert remedy["question"].startswith(
        "Allow AI-Server Tray to set vm.max_map_count=262144 in the"
    )
    assert report.fixes == ()
    assert examine_kernel([high, low], ["a", "b"], Kernel({MAPS: 262144})).errors == ()
    assert examine_kernel([high, low], ["a", "b"], Kernel({})).errors == (), "unknown to it"
    (error,) = examine_kernel([high], ["b"], Kernel({MAPS: 1}, is_ours=False)).errors
    assert "kernelCommandLine = sysctl.vm.max_map_count=262144 below [wsl2]" in str(error)


@pytest.mark.parametrize("may_raise", [True, False])
@pytest.mark.parametrize(
    ("name", "value"),
    [("kernel.core_pattern", 1), ("kernel.randomize_va_space", 2), ("vm.overcommit_memory", 2)],
)
def test_dangerous_kernel_setting_is_never_changed(
    tmp_path: Path, name: str, value: int, *, may_raise: bool
) -> None:
    target = needing(tmp_path, "bad", **{name.replace(".", "__"): value})
    report = examine_kernel([target], ["bad"], Kernel({name: 0}, may_raise=may_raise))
    (error,) = report.errors
    assert str(error).endswith(f"it is 0. To set it yourself, run: sudo sysctl -w {name}={value}")
    assert "remedies" not in error.data
    assert report.fixes == ()


def test_with_the_users_yes_the_highest_need_of_all_is_fixed(tmp_path: Path) -> None:
    targets = [
        needing(tmp_path, "a", vm__max_map_count=262144),
        needing(tmp_path, "b", vm__max_map_count=1048576),
        needing(tmp_path, "c", fs__aio_max_nr=1),
    ]
    report = examine_kernel(targets, ["a"], Kernel({MAPS: 65530}, may_raise=True))
    assert report.errors == ()
    (fix,) = report.fixes
    assert str(fix) == f"{MAPS}=1048576"
    assert fix.modules == {"a", "b"}
    # Only starting modules are examined unless settings may be changed.
    targets = [needing(tmp_path, "d", vm__max_map_count=9), needing(tmp_path, "e")]
    kernel = Kernel({MAPS: 1})
    assert examine_kernel(targets, ["e"], kernel).errors == ()
    assert kernel.asked == []
    kernel.may_raise = True
    assert [str(fix) for fix in examine_kernel(targets, ["e"], kernel).fixes] == [f"{MAPS}=9"]


def test_unreadable_kernel_setting_is_a_notice_and_blocks_nothing(tmp_path: Path) -> None:
    target = needing(tmp_path, "a", vm__max_map_count=9)
    absent = ObjectNotFoundError(404, "No such image: busybox:1.37.0")
    report = examine_kernel([target], ["a"], Kernel({}, error=absent))
    assert (report.errors, report.fixes, report.lacks_helper) == ((), (), True)
    (notice,) = report.notices
    assert "(vm.max_map_count=9)" in str(notice)
    assert "No such image: busybox:1.37.0" in str(notice)
    refusing = Kernel({}, error=EngineRequestError(403, "authorization denied by plugin"))
    assert not examine_kernel([target], ["a"], refusing).lacks_helper
    with pytest.raises(EngineDownError):
        examine_kernel([target], ["a"], Kernel({}, error=EngineDownError("x", "gone")))


def test_the_container_that_reads_has_no_rights_and_the_one_that_sets_no_network() -> None:
    read, raise_ = reading([MAPS], OURS), raising(MAPS, 262144, OURS)
    assert read["HostConfig"]["CapDrop"] == ["ALL"]
    assert "Privileged" not in read["HostConfig"]
    assert read["Cmd"] == ["vm/max_map_count"]
    assert raise_["HostConfig"]["Privileged"] is True
    assert raise_["Cmd"] == ["vm/max_map_count", MAPS, "262144"]
    for body in (read, raise_):
        assert body["HostConfig"]["NetworkMode"] == "none"
        assert body["HostConfig"]["ReadonlyRootfs"] is True


# -- the plan --------------------------------------------------------------------------------------


def fixed(targets: list[ModuleTarget], observed: Observed, *images: str) -> Plan:
    needing_it = frozenset(t.name for t in targets if t.module.needs.sysctls)
    fix = KernelSetting(MAPS, 262144, needing_it, raising(MAPS, 262144, OURS))
    return with_kernel_settings(plan_up(targets, observed), [fix], images)


def test_only_the_containers_that_need_it_wait_for_it_and_its_helper_is_pulled_first(
    tmp_path: Path,
) -> None:
    search = needing(tmp_path, "search", vm__max_map_count=262144)
    other = target_of(tmp_path, "other", service_of("other"))
    plan = fixed([search, other], Observed(), HELPER.display_name)
    assert SETTING in plan.graph["start ai-search"]
    assert SETTING not in plan.graph["start ai-other"] | plan.graph["create ai-search"]
    pull = frozenset({"pull busybox:1.37.0"})
    assert plan.graph[SETTING] == pull, "which the service needs too"

    head = f"x-aiserver: {{kind: feature, needs: {{sysctls: {{{MAPS}: 262144}}}}}}\n"
    text = head + "services: {alone: {image: 'search:1'}}\n"
    alone = target_of(tmp_path, "alone", text)
    assert fixed([alone], Observed()).graph[SETTING] == pull
    assert fixed([alone], Observed(), HELPER.display_name).graph[SETTING] == frozenset()


def test_unready_service_that_needs_a_changed_kernel_setting_is_restarted(tmp_path: Path) -> None:
    target = needing(tmp_path, "search", vm__max_map_count=262144)
    (service,) = target.services
    container = running(
        service, health="starting", image="busybox:1.37.0", networks=frozenset({"n"})
    )
    observed = Observed(
        {"ai-search": container}, {"busybox:1.37.0": "sha256:1"}, {"ai-search": "n"}
    )
    assert [step.id for step in plan_up([target], observed)] == ["wait ai-search"]
    plan = fixed([target], observed, HELPER.display_name)
    assert plan.graph["start ai-search"] == {"stop ai-search", SETTING}
    assert plan.graph["wait ai-search"] == {"start ai-search"}
