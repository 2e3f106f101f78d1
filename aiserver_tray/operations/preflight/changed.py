"""Networks and volumes that are kept although their definition has changed (pure)."""

from collections.abc import Iterable, Mapping

from aiserver_tray.base.i18n import Text
from aiserver_tray.operations.plan.survey import Found, Survey
from aiserver_tray.spec import labels
from aiserver_tray.spec.model import ModuleTarget, NetworkTarget, VolumeTarget


def changed_notices(targets: Iterable[ModuleTarget], survey: Survey) -> list[Text]:
    """Notices about definitions of *targets* that have no effect. The engine can't change networks
    and volumes, and `up` does not recreate them: foreign containers may use the network, and the
    volume holds data."""
    return [
        notice
        for target in targets
        for notice in (
            *(_network(n, target) for n in target.networks if _differs(n, survey.networks, survey)),
            *(_volume(v, target) for v in target.volumes if _differs(v, survey.volumes, survey)),
        )
    ]


def _differs(
    wanted: NetworkTarget | VolumeTarget, there: Mapping[str, Found], survey: Survey
) -> bool:
    """Whether *wanted* differs from the existing object. Unknown without the label, as an earlier
    version created it."""
    found = there.get(wanted.name)
    if wanted.external or found is None or not survey.is_ours(found):
        return False
    now = wanted.body["Labels"][labels.CONFIG_HASH]
    return bool(found.labels.get(labels.CONFIG_HASH, now) != now)


def _network(network: NetworkTarget, target: ModuleTarget) -> Text:
    return Text(
        "The definition of the network {name} has changed, but the existing network is kept. To "
        "apply the change, run: aiserver-tray down {module}, then: aiserver-tray up {module}",
        name=network.name,
        module=target.name,
    )


def _volume(volume: VolumeTarget, target: ModuleTarget) -> Text:
    return Text(
        "The definition of the volume {name} has changed, but the existing volume is kept, "
        "because it holds data. If you don't need the data of {module}, delete it: aiserver-tray "
        "down {module} --volumes, then: aiserver-tray up {module}",
        name=volume.name,
        module=target.name,
    )
