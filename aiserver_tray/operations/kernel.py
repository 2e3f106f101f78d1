"""The engine's kernel: reading its settings, and raising one if the user allows it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aiserver_tray import __version__
from aiserver_tray.base.errors import ResourcesError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.containers import run_once
from aiserver_tray.operations.locks import one_shot_lock
from aiserver_tray.settings.store import Settings
from aiserver_tray.spec.kernel import KernelSetting, path_of, raising, reading
from aiserver_tray.spec.labels import Owner
from aiserver_tray.system import resources

if TYPE_CHECKING:
    from aiserver_tray.engine.cancellation import Cancellation
    from aiserver_tray.engine.engine import Engine


class Kernel:
    """The kernel of *engine*, for the installation of *settings*."""

    def __init__(self, engine: "Engine", settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._generation = -1
        self._seen: dict[str, int] = {}

    @property
    def may_raise(self) -> bool:
        """Whether the user allows AI-Server Tray to raise settings.

        Raises:
            SettingError: that can't be read.
        """
        return self._settings.app.kernel_settings

    @property
    def is_ours(self) -> bool:
        """Whether the engine's kernel is the kernel of this machine."""
        return self._engine.info().shares_kernel

    def read(self, needed: Mapping[str, int]) -> dict[str, int]:
        """The values of these settings, as far as they exist. A container reads them from another
        machine's kernel. The values are cached while the engine runs, if they were at least as high
        as *needed*: a restarted kernel has its defaults again, and a user may raise a setting.

        Raises:
            ObjectNotFoundError: a container would have to, and the engine lacks its image.
            AiServerError: the engine does not answer, or rejects the request.
        """
        found = self._own(needed)
        rest = needed.keys() - found.keys()
        if not rest:
            return found
        if self._generation != self._engine.generation:
            self._generation, self._seen = self._engine.generation, {}
        if any(self._seen.get(name, -1) < needed[name] for name in rest):
            self._seen |= self._elsewhere(rest)
        return found | {name: self._seen[name] for name in rest & self._seen.keys()}

    def _own(self, names: Iterable[str]) -> dict[str, int]:
        if not self.is_ours:
            return {}
        found = {name: resources.kernel_setting(name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def _elsewhere(self, names: Iterable[str]) -> dict[str, int]:
        by_path = {path_of(name): name for name in names}
        body = reading(by_path.values(), self._owner)
        with one_shot_lock(self._engine.info().id):
            _, lines = run_once(self._engine.containers, body)
        words = (line.split() for line in lines)
        return {by_path[w[0]]: int(w[1]) for w in words if len(w) == 2 and w[1].isdecimal()}

    @property
    def _owner(self) -> Owner:
        return Owner(self._settings.installation_id, __version__)

    def to_raise(self, name: str, value: int, modules: Iterable[str]) -> KernelSetting:
        """The step that raises a setting for *modules*, for `raise_setting`."""
        return KernelSetting(name, value, frozenset(modules), raising(name, value, self._owner))


def raise_setting(engine: "Engine", setting: KernelSetting, cancelled: "Cancellation") -> None:
    """Raise *setting* to its value, unless it is higher already.

    Raises:
        ResourcesError: the engine has no permission for it.
        AiServerError: the engine does not answer, or rejects the request.
    """
    with one_shot_lock(engine.info().id, cancelled):
        code, lines = run_once(engine.containers, setting.body)
    if code:
        text = Text(
            "The engine can't set {setting} in its kernel ({why}). Set it yourself on the "
            "engine's machine: sudo sysctl -w {setting}",
            setting=str(setting),
            why=" ".join(lines) or code,
        )
        modules = sorted(setting.modules)
        raise ResourcesError(text, resource=setting.name, modules=modules, needed=setting.value)
