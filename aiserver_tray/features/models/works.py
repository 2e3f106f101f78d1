"""Does it really work? A question through the whole chain, and what else answers depend on: by
hand, and on a schedule of the user's choice."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from math import hypot
from operator import mul
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Literal

from aiserver_tray.base.bugs import log_bug
from aiserver_tray.base.errors import AiServerError, ServiceNotRunningError, UnknownNameError
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.strings import in_line
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.models.chain import ChainResult, Gateway, check_chain
from aiserver_tray.features.models.models import ONEAPI, Models
from aiserver_tray.features.models.servers import Server, fetch, kind_of
from aiserver_tray.features.stack.channels import running_container
from aiserver_tray.features.wiring.oneapi import OneApiError
from aiserver_tray.features.wiring.wiring import published

if TYPE_CHECKING:
    from aiserver_tray.features.models.used import UsedServer
    from aiserver_tray.features.place import Place

WorkOutcome = Literal["works", "broken", "untried"]
_Found = tuple[WorkOutcome, Text]
CheckEvery = Literal["never", "hour", "day", "week"]

PERIODS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_TICK_SECONDS: Final = 30.0
_REST_SECONDS: Final = 180.0
"""After a start of the owner, when modules come back."""
_CLOSE_SECONDS: Final = 2.0
_ABOUT: Final = (
    "A cat sleeps on the sofa.",
    "A kitten sleeps on the couch.",
    "The database stores tables of numbers.",
)
_N8N, _N8N_PORT = "n8n", 5678
_MAIL_SECONDS: Final = 8
_MAIL: Final = f"""\
const [host, port, ssl] = process.argv.slice(1);
const say = text => {{ console.log(text); process.exit(); }};
const options = {{host, port: +port, servername: host}};
const socket = require(ssl === 'true' ? 'tls' : 'net').connect(options);
socket.setTimeout({_MAIL_SECONDS * 1000}, () => say('no answer in time'));
socket.on('error', error => say(error.code || error.message));
socket.on('data', data => say(String(data)));
"""
"""Reads a mail server's greeting as n8n does: in its container, with what it trusts."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkCheck:
    """One thing besides the question that answers of the stack depend on."""

    name: str
    """`embedding`, `webhook`, `mail`, or as the doctor's checks: `clock`, `disk`, `backups`"""
    title: Text
    outcome: WorkOutcome
    """`untried`: there is nothing to try, or it depends on a link that broke"""
    text: Text
    """what was found, and what to do"""


@dataclass(frozen=True)
class Checked:
    """What came of a check."""

    at: datetime
    results: tuple[ChainResult, ...]
    """the question, one for each server that was asked"""
    rest: tuple[WorkCheck, ...]
    """what else was looked at; nothing if a single server was asked"""

    @property
    def trouble(self) -> Text | None:
        """The first thing that broke; the clock, disk and backups have alerts of their own."""
        found: list[Text | None] = [one.problem for one in self.results]
        own = ("embedding", "webhook", "mail")
        found += [one.text for one in self.rest if one.name in own and one.outcome == "broken"]
        return next(filter(None, found), None)


def _of_length_one(vector: Sequence[float]) -> list[float]:
    length = hypot(*vector) or 1.0
    return [one / length for one in vector]


class Checks:
    """Checks what *models* of *place* the stack uses, and remembers what came of the last check;
    *on_change* is called after each."""

    def __init__(self, models: Models, place: "Place", on_change: Callable[[], object]) -> None:
        self._models = models
        self._place = place
        self._on_change = on_change
        self._lock = Lock()
        self.latest: Checked | None = None
        """Of all servers. None: they were not asked since this process or what they are changed."""
        self._begun = time.time()
        self._changes = 0
        """How often the servers have changed."""
        self._closing = Event()
        self._thread: Thread | None = None

    def run(self, servers: Sequence["UsedServer"], *, is_all: bool) -> Checked:
        """Ask *servers*; with *is_all*, also check the rest. One check runs at a time."""
        with self._lock:
            before = self._changes
            results = tuple(check_chain(self._models, self._place, one) for one in servers)
            rest = tuple(self._rest(servers, results)) if is_all else ()
            found = Checked(datetime.now(UTC), results, rest)
            if is_all and self._changes == before:
                self._keep(found)
            return found

    def forget(self) -> None:
        """The servers have changed: what was found no longer says anything. OneAPI offers new
        models within a minute, so the schedule begins again as after a start."""
        self._begun = time.time()
        self._changes += 1  # a check under way is of the servers before
        self._keep(None)

    def _keep(self, found: Checked | None) -> None:
        self.latest = found
        broken = [one.server for one in found.results if one.broken] if found else []
        self._models.broken = tuple(broken)
        self._models.trouble = found.trouble if found else None
        self._models.publish()
        self._on_change()

    # -- the rest -------------------------------------------------------------------------------

    def _rest(
        self, servers: Sequence["UsedServer"], results: Sequence[ChainResult]
    ) -> Iterator[WorkCheck]:
        is_broken = any(one.broken for one in results)
        found = self._embedding(servers, is_broken=is_broken)
        yield WorkCheck("embedding", Text("Search (embedding)"), *found)
        yield WorkCheck("webhook", Text("Webhook of n8n"), *self._webhook())
        yield WorkCheck("mail", Text("Mail of n8n"), *self._mail())
        from aiserver_tray.features.doctor.channels import DoctorFeature  # noqa: PLC0415 - slow

        titles = {"clock": Text("Clock"), "disk": Text("Disk"), "backups": Text("Backup")}
        seen: set[str] = set()
        for finding in self._place.feature(DoctorFeature).findings():
            if finding.name in titles and finding.name not in seen:
                seen.add(finding.name)
                outcome: Mapping[str, WorkOutcome] = {"ok": "works", "fact": "untried"}
                is_so = outcome.get(finding.grade, "broken")
                yield WorkCheck(finding.name, titles[finding.name], is_so, finding.text)
        if "backups" not in seen:
            yield WorkCheck("backups", titles["backups"], "untried", Text("No backups yet"))

    def _embedding(self, servers: Sequence["UsedServer"], *, is_broken: bool) -> _Found:
        models = [m for one in servers for m in one.models if kind_of(m) == "embedding"]
        if not models:
            return "untried", Text("Not tried: no server of the stack has an embedding model.")
        if is_broken:
            return "untried", Text("Not tried: it uses the link that broke.")
        try:
            near, far = self._nearness(models[0])
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            why = in_line(str(error))
            return "broken", Text("{model} gives no vectors: {why}", model=models[0], why=why)
        if near > far:
            text = Text("{model}: cat is nearer to kitten than to database.", model=models[0])
            return "works", text
        return "broken", Text(
            "{model}: cat is as near to database as to kitten, so searches find the wrong texts. "
            "Use another embedding model.",
            model=models[0],
        )

    def _nearness(self, model: str) -> tuple[float, float]:
        """How near kitten and database are to cat. Raises as `fetch` does, or what JSON does."""
        gateway = Gateway.of(self._models, self._place)
        body = {"model": model, "input": list(_ABOUT)}
        status, content = fetch(gateway.server, "/embeddings", gateway.token, body, 120.0)
        found = json.loads(content)
        if status != HTTPStatus.OK:
            raise ValueError(str(found["error"]["message"]))
        # Not all models give vectors of the same length.
        cat, kitten, database = (_of_length_one(one["embedding"]) for one in found["data"])
        return sum(map(mul, cat, kitten)), sum(map(mul, cat, database))

    def _webhook(self) -> _Found:
        """n8n's answer to a webhook that it does not have: its code for webhooks gives it."""
        snapshot = self._place.core.store.snapshot
        try:
            running_container(snapshot, _N8N, _N8N)
            host, port = published(_N8N, snapshot, _N8N_PORT)
        except (AiServerError, OneApiError):
            return "untried", Text("Not tried: n8n does not run.")
        address = f"http://{host}:{port}"
        begun = time.monotonic()
        try:
            status, content = fetch(
                Server(_N8N, "n8n", address), "/webhook/aiserver-check", body={}, seconds=10.0
            )
            known = status == HTTPStatus.NOT_FOUND and b"webhook" in content
            why = "" if known else str(status)
        except (OSError, HTTPException, ValueError) as error:
            why = in_line(str(error)) or type(error).__name__
        if why:
            return "broken", Text("No answer at {address}/webhook: {why}", address=address, why=why)
        spent = round((time.monotonic() - begun) * 1000)
        text = Text(
            "Came back after {count} ms at {address}/webhook.", count=spent, address=address
        )
        return "works", text

    def _mail(self) -> _Found:
        values = self._mail_settings()
        if not (host := values.get("HOST")):
            return "untried", Text("Not tried: n8n has no mail server in its settings.")
        try:
            told = self._greeting(host, values)
        except (ServiceNotRunningError, UnknownNameError):
            return "untried", Text("Not tried: n8n does not run.")
        if told.startswith("220"):
            return "works", Text("{host} answers n8n. No mail was sent.", host=host)
        return "broken", Text(
            "n8n can't reach the mail server {host}, port {port}: {why}. Check the SMTP settings "
            "of n8n.",
            host=host,
            port=values["PORT"],
            why=told or Text("no answer"),
        )

    def _greeting(self, host: str, values: Mapping[str, str]) -> str:
        command = ["node", "-e", _MAIL, host, values["PORT"], values["SSL"]]
        body = {"Cmd": command, "AttachStdout": True, "AttachStderr": True}
        container = running_container(self._place.core.store.snapshot, _N8N, _N8N)
        try:
            _, lines = self._place.core.engine.containers.run(
                container, body, seconds=_MAIL_SECONDS + 4.0, cancelled=Cancellation()
            )
        except AiServerError as error:
            return str(error)
        return in_line(" ".join(lines))[:200]

    def _mail_settings(self) -> Mapping[str, str]:
        app = self._place.app
        names = {name: f"{_N8N}.N8N_SMTP_{name}" for name in ("HOST", "PORT", "SSL")}
        declared = {a: app.declared[a] for a in names.values() if a in app.declared}
        if len(declared) < len(names):
            return {}
        known = app.settings.known(declared)
        return {name: known.get(address, "") for name, address in names.items()}

    # -- the schedule ---------------------------------------------------------------------------

    def follow(self) -> None:
        """Keep the schedule from the settings, in a thread that is there only if there is one."""
        if self._thread is None and self._period() and not self._closing.is_set():
            self._thread = Thread(target=self._run, name="model-checks", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Check no more by itself."""
        self._closing.set()
        if self._thread:
            self._thread.join(_CLOSE_SECONDS)

    def _period(self) -> timedelta | None:
        try:
            return PERIODS.get(self._place.app.settings.app.check_models)
        except AiServerError:
            return None

    def _run(self) -> None:
        while (period := self._period()) and not self._closing.wait(_TICK_SECONDS):
            try:
                self._tick(time.time(), period)
            except AiServerError as error:
                _logger.warning("models can't be checked: %s", error)
            except Exception as bug:  # noqa: BLE001 - the next time may succeed
                log_bug(_logger, "checking models failed", bug)
        self._thread = None

    def _tick(self, now: float, period: timedelta) -> None:
        """Check if that is due at *now* (seconds since 1970)."""
        last = self.latest.at.timestamp() if self.latest else None
        due = self._begun + _REST_SECONDS if last is None else last + period.total_seconds()
        snapshot = self._place.core.store.snapshot
        runs = any(m.name == ONEAPI and m.state != "stopped" for m in snapshot.modules)
        if now >= due and snapshot.engine.running and runs and (used := self._models.used.all()):
            self.run(used, is_all=True)
