"""Kernel settings that are too low for modules (pure, except for reading the kernel)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from aiserver_tray.base.errors import (
    AiServerError,
    EngineDownError,
    ObjectNotFoundError,
    ResourcesError,
)
from aiserver_tray.base.errors.remedies import Remedy, set_to
from aiserver_tray.base.i18n import Text
from aiserver_tray.settings.names import KERNEL_SETTINGS
from aiserver_tray.spec.kernel import KernelSetting
from aiserver_tray.spec.model import ModuleTarget

HIGHEST: Mapping[str, int] = {
    "fs.aio-max-nr": 2**22,
    "fs.inotify.max_user_instances": 2**16,
    "fs.inotify.max_user_watches": 2**24,
    "vm.max_map_count": 2**31 - 1,
}
"""The settings that may be set for a module, and their maximum. They are plain limits, so a high
value does no harm. Anybody can write a module's file, and the kernel has settings that run programs
or turn protection off, so all others are refused."""


class KernelSettings(Protocol):
    """The kernel settings of the engine, as `kernel.Kernel` provides them."""

    @property
    def may_raise(self) -> bool:
        """Whether the user allows AI-Server Tray to raise them."""

    @property
    def is_ours(self) -> bool:
        """Whether they are this machine's own."""

    def read(self, needed: Mapping[str, int]) -> dict[str, int]:
        """The values of the settings that exist, by name.

        Raises:
            AiServerError: they can't be read.
        """

    def to_raise(self, name: str, value: int, modules: Iterable[str]) -> KernelSetting:
        """The step that raises a setting."""


@dataclass(frozen=True)
class KernelReport:
    """The result of comparing the kernel with the needs of modules."""

    errors: tuple[AiServerError, ...] = ()
    """They block the operation."""
    fixes: tuple[KernelSetting, ...] = ()
    """They run before the operation."""
    notices: tuple[Text, ...] = ()
    """For the user."""
    lacks_helper: bool = False
    """The settings can't be read before the engine has the image for that."""


class _Need(NamedTuple):
    name: str
    value: int
    module: str

    @property
    def is_fixable(self) -> bool:
        return self.value <= HIGHEST.get(self.name, -1)

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


def examine_kernel(
    targets: Sequence[ModuleTarget], starting: Container[str], kernel: KernelSettings
) -> KernelReport:
    """Compare *kernel* with the needs of *targets*. Only modules that are *starting* can be
    blocked. Settings that the user allows us to raise are raised for all of them.

    Raises:
        EngineDownError: the engine can't be asked.
        SettingError: what the user lets us do can't be read.
    """
    declared = [_Need(*item, t.name) for t in targets for item in t.module.needs.sysctls.items()]
    may_raise = bool(declared) and kernel.may_raise
    needs = [need for need in declared if may_raise or need.module in starting]
    if not needs:
        return KernelReport()
    try:
        found = kernel.read({need.name: need.value for need in _highest(needs)})
    except EngineDownError:
        raise
    except AiServerError as error:
        return _unknown(needs, error)
    low = [need for need in needs if found.get(need.name, need.value) < need.value]
    fixes = [need for need in low if may_raise and need.is_fixable]
    refused = [need for need in low if need not in fixes and need.module in starting]
    return KernelReport(
        tuple(_too_low(need, found[need.name], kernel) for need in _highest(refused)),
        tuple(
            kernel.to_raise(need.name, need.value, [n.module for n in fixes if n.name == need.name])
            for need in _highest(fixes)
        ),
    )


def _highest(needs: Iterable[_Need]) -> list[_Need]:
    """For each setting, the need with the highest value."""
    return list({need.name: need for need in sorted(needs, key=lambda n: n.value)}.values())


def _unknown(needs: Sequence[_Need], error: AiServerError) -> KernelReport:
    notice = Text(
        "Can't check the kernel settings of the engine ({needs}): {why}",
        needs=", ".join(map(str, _highest(needs))),
        why=error.text,
    )
    return KernelReport(notices=(notice,), lacks_helper=isinstance(error, ObjectNotFoundError))


def _too_low(need: _Need, found: int, kernel: KernelSettings) -> ResourcesError:
    by_hand = _by_hand(need) if kernel.is_ours else _by_hand_elsewhere(need)
    data: dict[str, Any] = {"resource": need.name, "module": need.module}
    data |= {"needed": need.value, "available": found}
    how = by_hand
    if need.is_fixable:
        data["remedies"] = [_allow(need)]
        how = Text(
            "To let AI-Server Tray set it, run: aiserver-tray config set {address} true. {by_hand}",
            address=KERNEL_SETTINGS,
            by_hand=by_hand,
        )
    text = Text(
        "{module} needs the kernel setting {name} to be at least {needed}; it is {found}. {how}",
        module=need.module,
        name=need.name,
        needed=need.value,
        found=found,
        how=how,
    )
    return ResourcesError(text, **data)


def _by_hand(need: _Need) -> Text:
    return Text("To set it yourself, run: sudo sysctl -w {setting}", setting=str(need))


def _by_hand_elsewhere(need: _Need) -> Text:
    """Windows: https://learn.microsoft.com/windows/wsl/wsl-config; the parameter:
    https://docs.kernel.org/admin-guide/kernel-parameters.html (sysctl.*)."""
    return Text(
        "To set it yourself, run on the engine's machine: sudo sysctl -w {setting}. For Docker "
        "Desktop on Windows, add kernelCommandLine = sysctl.{setting} below [wsl2] to the file "
        ".wslconfig in your user folder. Then run: wsl --shutdown",
        setting=str(need),
    )


def _allow(need: _Need) -> Remedy:
    question = Text(
        "Allow AI-Server Tray to set {setting} in the kernel of the Docker engine? A privileged "
        "container sets it before modules start, and again after each restart of the engine. The "
        "setting applies to all programs on that kernel.",
        setting=str(need),
    )
    return set_to(Text("Allow and start again"), KERNEL_SETTINGS, "true", question)
