"""The features of the application, and their channels."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from aiserver_tray.features.cluster.events import FILE as CLUSTERS
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.channel import Channel, Feature, Handler, handlers_of
from aiserver_tray.protocol.message import Peer

if TYPE_CHECKING:
    from aiserver_tray.features.cluster.channels import ClusterFeature
    from aiserver_tray.operations.request import Request

FEATURES: Final[dict[str, tuple[str, ...]]] = {
    "aiserver_tray.features.actions.channels:ActionsFeature": ("ai/action/",),
    "aiserver_tray.features.activity.channels:ActivityFeature": ("ai/activity/",),
    "aiserver_tray.features.doctor.channels:DoctorFeature": ("ai/doctor/",),
    "aiserver_tray.features.stack.channels:StackFeature": ("ai/operation/", "ai/snapshot/"),
    "aiserver_tray.features.app.channels:AppFeature": (
        "ai/app/", "ai/logs/client/", "ai/module/open", "ai/modules/needs", "ai/system/",
        "ai/window/", "owner/",
    ),
    "aiserver_tray.features.backup.channels:BackupFeature": ("ai/backup/",),
    "aiserver_tray.features.cleanup.channels:CleanupFeature": ("ai/cleanup/",),
    "aiserver_tray.features.configuration.channels:ConfigurationFeature": ("ai/config/",),
    "aiserver_tray.features.engine.channels:EngineFeature": ("ai/docker/", "ai/engine/"),
    "aiserver_tray.features.logs.channels:LogsFeature": ("ai/logs/", "ai/module/log"),
    "aiserver_tray.features.modules.channels:ModulesFeature": (
        "ai/catalog/", "ai/module/details", "ai/module/trust", "ai/module/distrust", "ai/service/",
    ),
    "aiserver_tray.features.mcp.channels:McpFeature": ("ai/assistant/",),
    "aiserver_tray.features.models.channels:ModelsFeature": ("ai/models/",),
    "aiserver_tray.features.models.own_channels:OwnModelsFeature": ("ai/models/own/",),
    "aiserver_tray.features.monitoring.channels:MonitoringFeature": ("ai/stats/",),
    "aiserver_tray.features.terminal.channels:TerminalFeature": ("ai/terminal/",),
    "aiserver_tray.features.wiring.channels:WiringFeature": (
        "ai/module/connect", "ai/module/consumers", "ai/module/disconnect",
    ),
    "aiserver_tray.features.alerts.channels:AlertsFeature": ("ai/rules/",),
    "aiserver_tray.features.access.channels:AccessFeature": ("ai/access/",),
    "aiserver_tray.features.predecessor.channels:PredecessorFeature": (
        "ai/module/", "ai/modules/",
    ),
    "aiserver_tray.features.support.channels:SupportFeature": ("ai/support/",),
    "aiserver_tray.features.adopt.channels:AdoptFeature": ("ai/adopt/",),
    "aiserver_tray.features.cluster.channels:ClusterFeature": ("ai/cluster/",),
    "aiserver_tray.features.upgrade.channels:UpgradeFeature": ("ai/upgrade/",),
    "aiserver_tray.features.cluster.export:ExportFeature": ("ai/export/",),
    "aiserver_tray.owner.browser:BrowserFeature": ("browser/",),
}  # fmt: skip
"""The class of each feature -> how the names of its channels and events begin; the longest
beginning counts. A class is imported when it is first used."""


def classes() -> Iterator[type[Feature]]:
    """The classes of all features."""
    return map(_imported, FEATURES)


def class_of(name: str) -> type[Feature]:
    """The class of the feature that has the channel or event *name*.

    Raises:
        KeyError: there is none.
    """
    found = {
        beginning: feature
        for feature, beginnings in FEATURES.items()
        for beginning in beginnings
        if name.startswith(beginning)
    }
    return _imported(found[max(found, key=len, default="")])


def every_channel() -> dict[str, Channel]:
    """All channels, by name."""
    return {channel.name: channel for each in classes() for channel in each.every_channel()}


def _imported(name: str) -> type[Feature]:
    module, _, attribute = name.partition(":")
    return cast("type[Feature]", getattr(import_module(module), attribute))


class Features(Mapping[str, Handler]):
    """Channel -> its handler in *place*. A feature is made when one of its channels is first asked
    for, or all of them are by `start`."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._handlers: dict[str, Handler] = {}
        place.before_operation = self._before_operation

    def __getitem__(self, channel: str) -> Handler:
        if channel not in self._handlers:
            feature = self._made(class_of(channel))
            self._handlers.update(handlers_of([feature, *feature.parts]))
        return self._handlers[channel]

    def __iter__(self) -> Iterator[str]:
        return iter(every_channel())

    def __len__(self) -> int:
        return len(every_channel())

    def _before_operation(self, request: "Request") -> None:
        """Ask the features that may refuse *request*, if they are in use at all."""
        if (self._place.app.home.folder / CLUSTERS).exists():
            clusters = cast("ClusterFeature", self._made(class_of("ai/cluster/")))
            clusters.refuse_deployed(request)

    def _made(self, feature: type[Feature]) -> Feature:
        return self._place.feature(cast("Callable[[Place], Feature]", feature))

    # -- all features ---------------------------------------------------------------------------

    def start(self) -> None:
        """Make all features, and begin what goes on without a request."""
        for each in classes():
            self._made(each)
        for feature in self._place.features:
            feature.start()

    def refresh(self) -> None:
        """Let the features read again what may have changed outside of this process."""
        for feature in self._place.features:
            feature.refresh()

    def forget(self, peer: Peer) -> None:
        """The client is gone."""
        for feature in self._place.features:
            feature.forget(peer)

    def close(self) -> None:
        """End what runs in the background; a feature ends before those that it needs."""
        for feature in reversed(self._place.features):
            feature.close()
