"""The services whose logs are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiserver_tray.base.i18n import Text
from aiserver_tray.state.views import Snapshot


@dataclass(frozen=True)
class Source:
    """A service whose log is wanted."""

    module: str
    service: str
    container: str

    @property
    def name(self) -> str:
        """The name for display."""
        return self.module if self.module == self.service else f"{self.module}/{self.service}"

    @property
    def unreadable(self) -> Text:
        """The message if the engine can't read its log."""
        return Text(
            "Can't show the log of {service}, because the engine can't read logs of its logging "
            "driver. To see the log here, set logging.driver to local in compose.override.yaml. "
            "Then run: aiserver-tray up {module}",
            service=self.name,
            module=self.module,
        )


def sources(snapshot: Snapshot, names: Sequence[str]) -> list[Source]:
    """The services of *names*, as `is_named` has them, that have a container."""
    return [
        Source(module.name, service.name, service.container)
        for module in snapshot.modules
        for service in module.services
        if is_named(names, module.name, service.name) and service.state != "absent"
    ]


def is_named(names: Sequence[str], module: str, service: str) -> bool:
    """Whether *names* of modules and of services (``module/service``) include this service. Without
    names, all services are included."""
    return not names or module in names or f"{module}/{service}" in names
