"""Stacks of one service many times over, each ready half a second after its start.

What is measured is the order of starts and the seeing of health, so a service does nothing else:
the engine's first check, half a second after the start, finds its health file (each further check
would cost the engine half as much as a start), and it ends at once on SIGTERM. `TEN_CHECKED` has
these further checks: people write a short ``interval`` so that a start is seen soon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

IMAGE = "busybox:1.37.0"

_SERVICE = f"""\
  {{name}}:
    image: {IMAGE}
    command:
      - sh
      - -c
      - |
        trap 'exit 0' TERM
        sleep 0.4
        touch /tmp/ready
        while :; do sleep 60 & wait; done
    healthcheck: {{{{test: [CMD, test, -f, /tmp/ready], {{times}}}}}}
"""


@dataclass(frozen=True)
class Shape:
    """A stack: service -> the services it waits for until they are healthy."""

    name: str
    services: Mapping[str, Sequence[str]]
    check_times: str = "interval: 10s, start_period: 60s, start_interval: 500ms"

    def write(self, catalog: Path) -> Path:
        """Its Compose file as a module of a catalog folder."""
        path = catalog / self.name / "compose.yaml"
        path.parent.mkdir(parents=True)
        path.write_text("services:\n" + "".join(map(self._service, self.services)))
        return path

    def _service(self, name: str) -> str:
        needed = "".join(
            f"      {other}: {{condition: service_healthy}}\n" for other in self.services[name]
        )
        head = "    depends_on:\n" if needed else ""
        return _SERVICE.format(name=name, times=self.check_times) + head + needed


def _chain(length: int, leaves: int) -> Mapping[str, Sequence[str]]:
    links = {f"link-{n}": [f"link-{n - 1}"] if n else [] for n in range(length)}
    return {f"leaf-{n}": [] for n in range(leaves)} | links


def _levels(count: int, width: int) -> Mapping[str, Sequence[str]]:
    """Each service waits for two of the level below: as a stack does, and docker compose, which
    looks at every edge every half second, is not drowned in edges."""
    return {
        f"level-{level}-{n}": [f"level-{level - 1}-{(n + k) % width}" for k in range(2)]
        if level
        else []
        for level in range(count)
        for n in range(width)
    }


CHAIN = Shape("chain", _chain(length=5, leaves=25))
TEN = Shape("ten", _levels(count=2, width=5))
TEN_CHECKED = Shape("ten-checked", TEN.services, "interval: 300ms, retries: 100")
HUNDRED = Shape("hundred", _levels(count=4, width=25))
