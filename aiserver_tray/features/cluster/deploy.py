"""Carries out plans on a cluster: in order, under the lock of the cluster, and through the next
manager if one is gone."""

import base64
import getpass
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

from aiserver_tray.base.errors import (
    AiServerError,
    ClusterDownError,
    ClusterError,
    EngineRequestError,
    ObjectNotFoundError,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.parse import moment
from aiserver_tray.features.cluster.managers import Json, Managers, is_there
from aiserver_tray.features.cluster.plan import Action, Objects
from aiserver_tray.features.cluster.spec import NETWORK_OF, FileSpec, ServiceSpec, pin_label
from aiserver_tray.features.cluster.state import (
    Seen,
    has_failed,
    labels_of,
    node_views,
    service_view,
    why_of,
)
from aiserver_tray.features.cluster.views import ClusterServiceView, NodeView
from aiserver_tray.features.cluster.work import Work
from aiserver_tray.spec.labels import CONFIG_HASH, INSTALLATION, MODULE
from aiserver_tray.system.process import has_run_since

LOCK: Final = "ai-cluster-lock"
_BY: Final = "io.aiserver.lock"
_WHO: Final = "io.aiserver.lock-by"
_PROCESS: Final = "io.aiserver.lock-process"
_RENEW_SECONDS: Final = 10.0
_STALE_SECONDS: Final = 150.0
"""After which a lock that nobody has renewed belongs to a dead process: longer than a living one
waits for a manager."""
_POLL_SECONDS: Final = 0.5
_STUCK_SECONDS: Final[Mapping[str, float]] = {"waiting": 60.0, "unknown": 180.0}
"""For which no node takes a task, or its node does not answer, before that is told as a failure.
Swarm moves what restarts within about a minute, and leaves the rest where it is."""
_QUIET_SECONDS: Final = 10.0
_SCALE_SECONDS: Final = 600.0
_CLEAN_SECONDS: Final = 60.0
_IDENTITY: Final = (INSTALLATION, NETWORK_OF, CONFIG_HASH)
_HARMLESS: Final = {"network", "config", "update"}
"""Steps of which nothing is left once updates are put back."""
_UPDATED: Final = ("completed", "rollback_completed", "paused", "rollback_paused")


def see(managers: Managers) -> Seen:
    """What there is on the cluster."""
    return Seen(managers.get("/nodes"), managers.get("/services"), managers.get("/tasks"))


def objects_of(managers: Managers, volumes: Iterable[str]) -> Objects:
    """What else is there that a plan must know. *volumes*: the names of those that matter."""
    networks = {n["Name"]: n for n in managers.get("/networks") if n.get("Scope") == "swarm"}
    files = {one["Spec"]["Name"]: one["ID"]
             for path in ("/configs", "/secrets") for one in managers.get(path)}  # fmt: skip
    there: dict[str, dict[str, dict[str, str]]] = {}
    wanted = {*volumes}
    for node, answer in managers.each("/volumes"):
        found = answer.get("Volumes") or ()
        there[node] = {v["Name"]: v.get("Labels") or {} for v in found if v["Name"] in wanted}
    return Objects(networks, files, there)


@contextmanager
def locked(managers: Managers, work: str, installation: str) -> Iterator["Lock"]:
    """The lock of the cluster for the *work* with this ID, of *installation*.

    Raises:
        ClusterError: another process has it.
    """
    lock = Lock(managers, work, installation)
    lock.take()
    Thread(target=lock.keep, name="cluster-lock", daemon=True).start()
    try:
        yield lock
    finally:
        lock.release()


@dataclass
class Lock:
    """A config whose name can be taken once. Its holder renews it; one that is not renewed is
    broken."""

    managers: Managers
    work: str
    installation: str
    _released: Event = field(default_factory=Event, init=False)
    _is_lost: bool = field(default=False, init=False)

    def take(self) -> None:
        """Take it. Raises `ClusterError` if another process has it."""
        labels = {
            _BY: self.work,
            INSTALLATION: self.installation,
            _WHO: f"{getpass.getuser()}@{socket.gethostname()}",
            _PROCESS: f"{os.getpid()} {time.time()}",
        }
        body = {"Name": LOCK, "Labels": labels, "Data": _encoded(b"-")}
        for _ in range(2):
            try:
                self.managers.create("/configs", body)
            except EngineRequestError as error:
                if not is_there(error):
                    raise
                if self._is_mine_or_broken():
                    return
            else:
                return
        raise ClusterError(Text("Another deployment has just begun on this cluster. Wait for it."))

    def _is_mine_or_broken(self) -> bool:
        """Whether it is this process that has it, after a manager was lost. A stale one is removed,
        so that it can be taken.

        Raises:
            ClusterError: another process has it.
        """
        if (found := self.managers.find("/configs", LOCK)) is None:
            return False
        labels = labels_of(found)
        if labels.get(_BY) == self.work:
            return True
        if (left := seconds_left(self.managers, found, self.installation)) > 0:
            text = Text(
                "{who} changes this cluster at the moment. Wait until that has ended. If it was "
                "interrupted, try again in {seconds:.0f} s.",
                who=labels.get(_WHO, "?"),
                seconds=left,
            )
            raise ClusterError(text)
        self.managers.remove("/configs", found["ID"])
        return False

    def keep(self) -> None:
        """Renew it until it is released or lost: a step may take longer than a lock lasts."""
        while not (self._released.wait(_RENEW_SECONDS) or self._is_lost):
            with suppress(AiServerError):  # the next time
                self.renew()

    def renew(self) -> None:
        """Renew it, or notice that another process has taken it."""
        found = self.managers.find("/configs", LOCK)
        if found is None or labels_of(found).get(_BY) != self.work:
            self._is_lost = True
            return
        labels = {**labels_of(found), "io.aiserver.lock-at": str(time.time())}
        self.managers.change("/configs", found, {**found["Spec"], "Labels": labels})

    def check(self) -> None:
        """Raises `ClusterError` if another process has taken it."""
        if self._is_lost:
            raise ClusterError(Text("Another process has taken over the work on this cluster."))

    def release(self) -> None:
        """Remove it, unless another process has taken it."""
        self._released.set()
        with suppress(AiServerError):  # it gets stale
            found = self.managers.find("/configs", LOCK)
            if found and labels_of(found).get(_BY) == self.work:
                self.managers.remove("/configs", found["ID"])


def seconds_left(managers: Managers, lock: Json | None, installation: str) -> float:
    """The seconds for which *lock* counts without being renewed; 0: it does not count. One of a
    process of this *installation* that has ended does not."""
    labels = labels_of(lock) if lock else {}
    process = str(labels.get(_PROCESS, "")).split()
    is_own = labels.get(INSTALLATION) == installation and len(process) == 2
    if not lock or (is_own and not has_run_since(int(process[0]), float(process[1]))):
        return 0.0
    now, then = moment(managers.get("/info")["SystemTime"]), moment(lock["UpdatedAt"])
    age = (now - then).total_seconds() if now and then else 0.0
    return max(0.0, _STALE_SECONDS - age)


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@dataclass
class Deployment:
    """Carries out actions for *work*, with the *lock* of the cluster."""

    managers: Managers
    work: Work
    lock: Lock
    installation: str
    files: dict[str, str]
    """The IDs of configs and secrets by name."""
    is_put_back: bool = False
    """After an error: all that was changed are services that it has put back."""
    _updated: dict[str, str] = field(default_factory=dict)
    """Name -> hash of what it was updated to."""
    _began: dict[str, float] = field(default_factory=dict)

    def run(self, waves: Sequence[Sequence[Action]]) -> None:
        """Carry out *waves*, each once the one before is done. Services that were updated before
        another one fails are put back.

        Raises:
            ClusterError: a service does not get ready.
            ClusterDownError: no manager answers any more.
            CancelledError: the user has cancelled.
        """
        try:
            for wave in waves:
                for action in wave:
                    self.lock.check()
                    self._began[action.step.subject] = self.work.begin(action.step)
                    self._begin(action)
                for action in wave:
                    self._finish(action)
                    self.work.done(action.step, self._began[action.step.subject])
        except ClusterDownError:
            raise
        except AiServerError:
            begun = {a.step.kind for wave in waves for a in wave if a.step.subject in self._began}
            self.is_put_back = begun <= _HARMLESS and self._undo()
            raise

    def _begin(self, action: Action) -> None:
        value, name = action.value, action.step.subject
        match action.step.kind:
            case "pin" if isinstance(value, NodeView):
                set_pin(self.managers, action.step.module, value.id)
            case "network" if isinstance(value, dict):
                self._create("/networks", value)
            case "config" if isinstance(value, FileSpec):
                self._store(action.step.module, value)
            case "job" if isinstance(value, ServiceSpec):
                if found := self.managers.find("/services", name):
                    self._remove(found)
                self._create("/services", self._with_ids(value))
            case "service" if isinstance(value, ServiceSpec):
                self._create("/services", self._with_ids(value))
            case "update" if isinstance(value, ServiceSpec):
                self._update(value)
            case "rollback" | "scale" if isinstance(value, dict):
                self._change(name, value, action.step.kind)
            case "remove":
                self.managers.remove("/services", name)

    def _finish(self, action: Action) -> None:
        value = action.value
        match action.step.kind:
            case "job" | "service" if isinstance(value, ServiceSpec):
                self._wait_ready(action, value.ready_within)
            case "update" if isinstance(value, ServiceSpec):
                self._wait_update(action)
                self._wait_ready(action, value.ready_within)
            case "rollback":
                self._wait_update(action)
            case "scale":
                self._wait_ready(action, _SCALE_SECONDS)
            case "remove" if isinstance(value, dict):
                self._wait_gone(value["ID"])

    # -- what begins -------------------------------------------------------------------------------

    def _create(self, path: str, body: Json) -> None:
        """Create an object, unless a manager that was lost has done so."""
        try:
            self.managers.create(path, body)
        except EngineRequestError as error:
            found = self.managers.find(path, body["Name"]) if is_there(error) else None
            labels = (labels_of(found) if "Spec" in found else found.get("Labels")) if found else {}
            if not labels or any(labels.get(k) != body["Labels"].get(k) for k in _IDENTITY):
                raise

    def _store(self, module: str, file: FileSpec) -> None:
        path = "/secrets" if file.is_secret else "/configs"
        labels = {MODULE: module, INSTALLATION: self.installation}
        body = {"Name": file.name, "Labels": labels, "Data": _encoded(file.content)}
        self._create(path, body)
        if found := self.managers.find(path, file.name):
            self.files[file.name] = found["ID"]

    def _with_ids(self, spec: ServiceSpec) -> Json:
        """The body of *spec* with the IDs of its files."""
        task = spec.body["TaskTemplate"]
        container = {**task["ContainerSpec"]}
        for kind in ("Secret", "Config"):
            if given := container.get(f"{kind}s"):
                container[f"{kind}s"] = [
                    {**one, f"{kind}ID": self.files[one[f"{kind}Name"]]} for one in given
                ]
        return {**spec.body, "TaskTemplate": {**task, "ContainerSpec": container}}

    def _update(self, spec: ServiceSpec) -> None:
        found = self.managers.get("/services/{}", spec.name)
        if labels_of(found).get(CONFIG_HASH) == spec.hash:  # a lost manager has begun it
            return
        self._updated[spec.name] = spec.hash
        body = self._with_ids(spec)
        if spec.body["Labels"].get("io.aiserver.scalable"):
            body["Mode"] = found["Spec"]["Mode"]
        self.managers.change("/services", found, body)

    def _change(self, name: str, spec: Json, kind: str) -> None:
        found = self.managers.get("/services/{}", name)
        if kind == "rollback":
            if labels_of(found).get(CONFIG_HASH) == labels_of({"Spec": spec}).get(CONFIG_HASH):
                return
            self.managers.change("/services", found, spec, rollback="previous")
        else:
            self.managers.change("/services", found, {**found["Spec"], **spec})

    def _remove(self, found: Json) -> None:
        self.managers.remove("/services", found["ID"])
        self._wait_gone(found["ID"])

    # -- what is waited for ------------------------------------------------------------------------

    def _until(self, is_done: Callable[[], bool]) -> None:
        while not is_done():
            self.lock.check()
            self.work.check()
            self.work.cancelled.wait(_POLL_SECONDS)

    def _view(self, name: str) -> tuple[ClusterServiceView, Json, Seen]:
        found = self.managers.get("/services/{}", name)
        filters = json.dumps({"service": [found["ID"]]})
        seen = Seen(
            self.managers.get("/nodes"), [found], self.managers.get("/tasks", filters=filters)
        )
        return service_view(found, seen, node_views(seen)), found, seen

    def _wait_ready(self, action: Action, within: float) -> None:
        """Wait until a service is ready, or a job has ended.

        Raises:
            ClusterError: it fails, no node takes it, or it takes longer than *within* seconds from
                the start of its container.
        """
        started = 0.0
        check_stuck = self._stuck(action)

        def is_ready() -> bool:
            nonlocal started
            view, _, seen = self._view(action.step.subject)
            if view.state in ("running", "done", "stopped"):
                return True
            self.work.detail(action.step, view.why or view.label)
            now = time.monotonic()
            if view.state == "failed":
                raise self._failed(action, view.why)
            check_stuck(view)
            is_up = any(one["Status"]["State"] == "starting" for one in seen.tasks)
            started = started or (now if is_up else 0.0)
            if started and now - started > within:
                raise self._failed(
                    action, Text("it is not healthy after {seconds:.0f} s", seconds=within)
                )
            return False

        self._until(is_ready)

    def _stuck(self, action: Action) -> Callable[[ClusterServiceView], None]:
        """Raises `ClusterError`, when it is called with what a service is, once that has waited for
        a node for too long."""
        since = 0.0

        def check(view: ClusterServiceView) -> None:
            nonlocal since
            limit, now = _STUCK_SECONDS.get(view.state), time.monotonic()
            since = (since or now) if limit else 0.0
            if limit and now - since > limit:
                raise self._failed(action, view.why or view.label)

        return check

    def _failed(self, action: Action, why: Text | None) -> ClusterError:
        text = Text(
            "{name} does not get ready on the cluster: {why}. To see its log, run: aiserver-tray "
            "cluster logs {module}",
            name=action.step.subject,
            why=why or "-",
            module=action.step.module,
        )
        return ClusterError(text, module=action.step.module, service=action.step.subject)

    def _wait_update(self, action: Action) -> None:
        """Wait until an update has ended.

        Raises:
            ClusterError: the cluster has put it back, or its node is away.
        """
        name, begun = action.step.subject, time.monotonic()
        check_stuck = self._stuck(action)
        last: Text | None = None

        def is_over() -> bool:
            nonlocal last
            view, found, seen = self._view(name)
            check_stuck(service_view({**found, "UpdateStatus": None}, seen, node_views(seen)))
            failed = next(filter(has_failed, seen.tasks_of(seen.services[0])), None)
            if why := view.why or (why_of(failed) if failed else None):
                self.work.detail(action.step, why)
                last = why
            # Without a word, the cluster has not begun, or there was nothing to do.
            is_quiet = not view.update and time.monotonic() - begun > _QUIET_SECONDS
            return view.update in _UPDATED or is_quiet

        self._until(is_over)
        view, _, _ = self._view(name)
        wanted = "rollback_completed" if action.step.kind == "rollback" else "completed"
        if view.update not in (wanted, ""):
            text = Text(
                "The update of {name} failed ({why}), and the cluster has put it back.",
                name=name,
                why=last or view.update_text,
            )
            raise ClusterError(text, module=action.step.module, service=name)

    def _wait_gone(self, service: str) -> None:
        """Wait until no container of the service with this ID is left. One on a node that does not
        answer can't be waited for."""

        def is_gone() -> bool:
            nodes = {
                one["ID"]
                for one in self.managers.get("/nodes")
                if one["Status"]["State"] == "ready"
            }
            tasks = self.managers.get("/tasks")
            ended = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")
            return not any(
                one["ServiceID"] == service
                and one.get("NodeID", "") in nodes
                and one["Status"]["State"] not in ended
                for one in tasks
            )

        self._until(is_gone)

    # -- back --------------------------------------------------------------------------------------

    def _undo(self) -> bool:
        """Put back what this work has updated, the last first, unless the cluster has done it.
        Whether no manager refused."""
        is_done = True
        for name, hash in reversed(self._updated.items()):
            try:
                found = self.managers.get("/services/{}", name)
                if labels_of(found).get(CONFIG_HASH) == hash:
                    previous = found["PreviousSpec"]
                    self.managers.change("/services", found, previous, rollback="previous")
                    self.work.notice(Text("The cluster puts {name} back, too.", name=name))
            except AiServerError:
                is_done = False
        return is_done


def set_pin(managers: Managers, module: str, node: str | None) -> None:
    """Let only *node* have the label of the volumes of *module*; None: no node."""
    for one in managers.get("/nodes"):
        labels = {k: v for k, v in labels_of(one).items() if k != pin_label(module)}
        if one["ID"] == node:
            labels[pin_label(module)] = "true"
        if labels != labels_of(one):
            managers.change("/nodes", one, {**one["Spec"], "Labels": labels})


def clean(managers: Managers, installation: str, *, wait: bool) -> None:
    """Remove configs, secrets and networks of *installation* that no service needs any more.
    *wait*: until the containers of removed services have left the networks."""
    services = managers.get("/services")
    specs = [s[key] for s in services for key in ("Spec", "PreviousSpec") if key in s]
    used, nets = set[str](), set[str]()
    for spec in specs:
        task = spec["TaskTemplate"]
        for kind in ("Secret", "Config"):
            given = task["ContainerSpec"].get(f"{kind}s") or ()
            used |= {one[f"{kind}ID"] for one in given}
        nets |= {one["Target"] for one in task.get("Networks") or ()}
    for path in ("/configs", "/secrets"):
        for one in managers.get(path):
            is_ours = labels_of(one).get(INSTALLATION) == installation
            if is_ours and one["ID"] not in used and one["Spec"]["Name"] != LOCK:
                with suppress(EngineRequestError):  # a task that ends still has it
                    managers.remove(path, one["ID"])
    end = time.monotonic() + (_CLEAN_SECONDS if wait else 0.0)
    for one in managers.get("/networks"):
        is_ours = (one.get("Labels") or {}).get(NETWORK_OF) == installation
        if one.get("Scope") == "swarm" and is_ours and one["Id"] not in nets:
            _remove_network(managers, one["Id"], end)


def _remove_network(managers: Managers, id: str, end: float) -> None:
    while True:
        try:
            managers.remove("/networks", id)
        except ObjectNotFoundError:
            return
        except EngineRequestError:
            if time.monotonic() > end:
                return  # removed with the next change
            time.sleep(_POLL_SECONDS)
        else:
            return
