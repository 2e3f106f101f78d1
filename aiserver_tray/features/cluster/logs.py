"""Logs of services on a cluster, which a manager collects from all nodes."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import Masker
from aiserver_tray.engine.logs import LogStream
from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.cluster.managers import Json, Managers
from aiserver_tray.features.cluster.state import labels_of
from aiserver_tray.features.cluster.views import ClusterLogLine, ClusterLogs
from aiserver_tray.spec.labels import SERVICE

_NODE, _TASK = "com.docker.swarm.node.id", "com.docker.swarm.task.id"


def read_logs(
    managers: Managers,
    services: Sequence[Json],
    nodes: Mapping[str, str],
    tail: int,
    secrets: Sequence[str],
) -> ClusterLogs:
    """The last *tail* lines of each of *services*, without *secrets*. *nodes*: ID -> name."""
    masker = Masker(secrets)
    lines: list[ClusterLogLine] = []
    notices: list[Text] = []
    for service in services:
        name = str(labels_of(service)[SERVICE])
        try:
            for line in _lines(managers, service, tail):
                lines.append(_parsed(line, name, nodes, masker))
        except AiServerError as error:  # of a node that does not answer, the rest was sent before
            text = Text("Some lines of {name} are missing: {why}", name=name, why=error.text)
            notices.append(text)
    lines.sort(key=lambda line: line.time.timestamp() if line.time else 0.0)
    return ClusterLogs(tuple(lines), tuple(notices))


def _lines(managers: Managers, service: Json, tail: int) -> list[LogLine]:
    params = {"stdout": "1", "stderr": "1", "timestamps": "1", "details": "1", "tail": str(tail)}
    is_plain = service["Spec"]["TaskTemplate"]["ContainerSpec"].get("TTY", False)
    stream = managers.stream("/services/{}/logs", service["ID"], params)
    with closing(LogStream(stream, framed=not is_plain, follow="stop")) as log:
        return [*log]


def _parsed(
    line: LogLine, service: str, nodes: Mapping[str, str], masker: Masker
) -> ClusterLogLine:
    details, _, text = line.text.partition(" ")
    known = dict(word.split("=", 1) for word in details.split(",") if "=" in word)
    return ClusterLogLine(
        datetime.fromtimestamp(line.time / 1e9, UTC) if line.time else None,
        nodes.get(known.get(_NODE, ""), ""),
        service,
        known.get(_TASK, ""),
        line.stream == "stderr",
        masker.text(text),
    )
