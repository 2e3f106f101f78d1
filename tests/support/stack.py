"""Small modules that a test can hold up: plain Compose files of a shell script each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.consents import trust_all

IMAGE = "busybox:1.37.0"
KEPT = "/data/made-once"
"""Where `service` with a volume keeps what it writes only if it is not there."""

_SCRIPT = f"""
trap 'test -e /tmp/hold && sleep $(cat /tmp/hold); exit 0' TERM
test ! -d /data || test -e {KEPT} || cat /proc/sys/kernel/random/uuid > {KEPT}
sleep 0.5
{{ready}}
while :; do sleep 60 & wait $!; done
"""
_READY = "touch /tmp/ready"
OPEN = ["touch", "/tmp/ready"]
"""What makes a `held` service healthy, run in its container."""

Service = dict[str, Any]


def service(*needed: str, volume: str | None = None, **more: object) -> Service:
    """A service that is healthy half a second after its start, and *needed* are before."""
    return _service(_READY, needed, volume) | more


def held(*needed: str) -> Service:
    """A service that is healthy only when the test says so with `OPEN`."""
    return _service(":", needed, None)


def slow_to_stop(*needed: str, seconds: int = 1) -> Service:
    """A service that takes *seconds* to end, so that a test can come in between."""
    slow = _service(f"echo {seconds} > /tmp/hold; {_READY}", needed, None)
    return slow | {"stop_grace_period": f"{seconds + 10}s"}


def _service(ready: str, needed: tuple[str, ...], volume: str | None) -> Service:
    return {
        "image": IMAGE,
        # Compose reads `$` as the begin of a variable.
        "command": ["sh", "-c", _SCRIPT.format(ready=ready).replace("$", "$$")],
        "healthcheck": {
            "test": ["CMD", "test", "-f", "/tmp/ready"],
            "interval": "2s",  # also how soon an unpaused one is healthy again
            "start_period": "60s",
            "start_interval": "200ms",
        },
        "depends_on": {name: {"condition": "service_healthy"} for name in needed},
        "volumes": [f"{volume}:/data"] if volume else [],
    }


def write(catalog: Path, module: str, services: Mapping[str, Service], **extension: object) -> None:
    """The module's Compose file, in JSON, which is YAML; *extension* stands under x-aiserver. The
    user of the home beside *catalog* allows it."""
    names = {v.partition(":")[0] for s in services.values() for v in s["volumes"]}
    content: dict[str, object] = {"services": services, "volumes": dict.fromkeys(sorted(names))}
    if extension:
        content["x-aiserver"] = extension
    folder = catalog / module
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compose.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")
    trust_all(catalog.parent / "home", catalog)
