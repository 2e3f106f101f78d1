"""Logs of many services, from what the owner keeps and from the engine, beside docker compose with
the same containers."""

import json
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aiserver_tray.carriers.local.client import Client
from tests.bench.result import Comparison, Figure, Results, compare, seconds
from tests.bench.shapes import IMAGE
from tests.bench.sides import Tray, run
from tests.bench.stacks import engine_of, require
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.consents import trust_all
from tests.support.host_process import hosted
from tests.support.waiting import eventually

SERVICES, LINES = 30, 2000
MODULE = "chatty"
TAIL = ("--tail", str(200 // SERVICES + 1))
"""The newest 200 lines of all services."""
NO_HIT = "never written"
FIRST_LIMIT = 50
SEARCH_LIMIT = 1.0

_CHATTER = f"""\
i=0
while [ $$i -lt {LINES} ]; do
  i=$$((i+1))
  echo "{{\\"level\\":\\"info\\",\\"msg\\":\\"request $$i was answered\\",\\"status\\":200}}"
done
exec sleep 86400
"""


def logs(lab: Place, pairs: int) -> Results:
    """The newest lines and a search without a hit: of the owner's channel, and of the command."""
    with tempfile.TemporaryDirectory() as name, engine_of(lab):
        catalog = Path(name, "catalog")
        file = catalog / MODULE / "compose.yaml"
        file.parent.mkdir(parents=True)
        service = {"image": IMAGE, "command": ["sh", "-c", _CHATTER]}
        services = {f"service-{number}": service for number in range(SERVICES)}
        file.write_text(json.dumps({"services": services}), encoding="utf-8")
        trust_all(Path(name, "home"), catalog)
        tray = Tray(Path(name, "home"), catalog, lab.host)
        with hosted(CommandLine(tray.home, tray.catalog, tray.host)) as (client, _):
            tray.run("up", MODULE)
            eventually(lambda: _kept(client) >= SERVICES * LINES, "all lines")
            return {
                "logs-newest": Figure(1000 * _median(partial(_newest, client)), "ms", FIRST_LIMIT),
                "logs-search": Figure(1000 * _median(partial(_search, client)), "ms"),
                **_commands(tray, pairs),
            }


def _commands(tray: Tray, pairs: int) -> dict[str, Comparison]:
    file = tray.catalog / MODULE / "compose.yaml"
    compose = f"docker-compose -f {file} -p aiserver-{MODULE} logs --no-color"
    theirs = partial(run, ["sh", "-c", f"{compose} {' '.join(TAIL)}"], tray.host)
    search = partial(run, ["sh", "-c", f"{compose} | grep '{NO_HIT}' || true"], tray.host)
    ours = partial(tray.run, "logs", MODULE, *TAIL)
    require(len(ours().splitlines()) == len(theirs().splitlines()), "other lines than theirs")
    return {
        # The start of Python takes longer than all of theirs: no limit.
        "logs-tail-command": compare(ours, theirs, pairs),
        "logs-search-command": compare(
            partial(tray.run, "logs", MODULE, "--grep", NO_HIT), search, pairs, SEARCH_LIMIT
        ),
    }


def _kept(client: Client) -> int:
    return int(client.request("ai/logs/bounds")["lines"])


def _newest(client: Client) -> None:
    asked = {"filter": {"modules": [MODULE]}, "limit": 200}
    require(len(client.request("ai/logs/lines", asked)["lines"]) == 200, "too few lines")


def _search(client: Client) -> None:
    page = {"isEnd": False, "reached": None}
    while not page["isEnd"]:
        asked = {"filter": {"pattern": NO_HIT}, "before": page["reached"]}
        page = client.request("ai/logs/lines", asked)


def _median(action: Callable[[], object]) -> float:
    return statistics.median(seconds(action) for _ in range(20))
