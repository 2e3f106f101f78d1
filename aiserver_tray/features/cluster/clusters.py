"""The clusters of an installation: what channels and commands ask of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiserver_tray.base.errors import (
    AiServerError,
    ClusterDownError,
    ClusterError,
    SettingError,
    UnknownNameError,
    each,
    raise_all,
)
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.features.cluster.deploy import (
    LOCK,
    Deployment,
    clean,
    locked,
    objects_of,
    seconds_left,
    see,
    set_pin,
)
from aiserver_tray.features.cluster.events import CLUSTER
from aiserver_tray.features.cluster.images import on_cluster, with_declared
from aiserver_tray.features.cluster.managers import LEADER_SECONDS, Managers
from aiserver_tray.features.cluster.plan import (
    Action,
    Here,
    Planned,
    find_node,
    plan_deploy,
    plan_removal,
)
from aiserver_tray.features.cluster.spec import ModuleSpec, module_spec
from aiserver_tray.features.cluster.state import (
    Deployed,
    Seen,
    labels_of,
    module_views,
    node_names,
    node_views,
    service_view,
)
from aiserver_tray.features.cluster.store import ClusterData, ClustersFile, DeployedData
from aiserver_tray.features.cluster.views import (
    Availability,
    ClusterList,
    ClusterLogs,
    ClusterLogsRequest,
    ClusterView,
    DeployPlan,
    DeployRequest,
    ManagerView,
    NodeView,
    PinRequest,
    ScaleRequest,
    UpdateRequest,
    WorkKind,
)
from aiserver_tray.features.cluster.watch import Watch
from aiserver_tray.features.cluster.work import Work, Works
from aiserver_tray.operations.modules import obtainable, with_requires
from aiserver_tray.spec.labels import MODULE, SERVICE, required_in
from aiserver_tray.system.engine_place import is_local, why_unusable

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.features.cluster.restore import Restoration
    from aiserver_tray.features.place import Place
    from aiserver_tray.operations.request import Request
    from aiserver_tray.spec.model import ModuleTarget

_ENGINE_SECONDS: Final = 3.0
"""For which the state of this computer's engine is waited for."""
_MISSING: Final = Text(
    "{module} is not deployed on this cluster. Deploy it with: aiserver-tray cluster deploy "
    "{module}"
)
_FOREIGN: Final = Text(
    "{module} was deployed from another home. Change it from there. If that home is gone, remove "
    "it on a manager: docker service rm {names}"
)
_UNKNOWN_IMAGES: Final = Text(
    "These images were not found here, so it is not known whether they declare volumes of their "
    "own, which would not be kept: {images}. Pull them here first, and look at the plan again."
)
_UNENDED: Final = Text(
    "A change of {module} has not ended. Finish it with: aiserver-tray cluster deploy {module}. Or "
    "take it back with: aiserver-tray cluster remove {module}"
)
_HALF: Final = Text(
    "{node} has only a part of the data of {module}, because a restore was interrupted. Repeat it: "
    "on the page Cluster, choose Deploy and the backup, or run: aiserver-tray cluster deploy "
    "{module} --from-backup ID"
)
_NO_BACKUP: Final = Text(
    "The address of a node is only for the data of a backup. Add --from-backup ID, or leave out "
    "--node-address."
)
_STARTING: Final = ("up", "restart", "restore", "upgrade", "adopt")


class Clusters:
    """The clusters of *place*.

    Raises:
        ClusterError, ClusterDownError: what is asked can't be done; no manager answers.
    """

    def __init__(self, place: "Place") -> None:
        self._place = place
        self._app = place.app
        self.file = ClustersFile(place.app.settings)
        self.works = Works(self.tell)
        self.watch = Watch(self.names, self.refresh)
        self._seen: dict[str, ClusterView] = {}
        self._managers: dict[tuple[str, ...], Managers] = {}

    def names(self) -> Sequence[str]:
        """The names of all clusters."""
        return [*self.file.all()]

    def tell(self, cluster: str) -> None:
        """Tell clients that something of *cluster* has changed."""
        self._place.publish(CLUSTER.message({"cluster": cluster}))

    def close(self) -> None:
        """End what is under way, and all connections."""
        self.watch.close()
        self.works.close()
        for one in self._managers.values():
            one.close()

    # -- what there is -----------------------------------------------------------------------------

    def listed(self) -> ClusterList:
        """All, as they were last seen."""
        known = self.file.all()
        views = (self._seen.get(name) or _unseen(name, data) for name, data in known.items())
        return ClusterList(tuple(views), tuple(self.works.views()))

    def refresh(self, name: str) -> None:
        """Ask the cluster *name*, and tell clients what has changed."""
        before = self._seen.get(name)
        with suppress(UnknownNameError):  # it was removed meanwhile
            now = self.status(name)
            if before is None or replace(now, seen_at=before.seen_at) != before:
                self.tell(name)

    def status(self, name: str) -> ClusterView:
        """Ask the cluster *name*. While no manager answers, what it was before."""
        name, data, managers = self._cluster(name)
        try:
            managers.check()
            seen = see(managers)
            nodes = node_views(seen)
            modules = module_views(seen, nodes, self._deployed(data, managers))
        except ClusterDownError as error:
            last = self._seen.get(name) or _unseen(name, data)
            is_led = "no-leader" not in {one.state for one in managers.views}
            state = "unreachable" if is_led else "no-leader"
            view = replace(last, state=state, problem=error.text, managers=managers.views)  # type: ignore[arg-type]
        else:
            now = datetime.now(UTC)
            view = ClusterView(name, data.id, "ok", None, managers.views, nodes, modules, now)
        self._seen[name] = view
        return view

    def _deployed(self, data: ClusterData, managers: Managers) -> Deployed:
        titles = {model.name: model.title for model in self._app.models}
        unended = [module for module, one in data.deployed.items() if one.unfinished]
        installation = self._app.settings.installation_id
        if unended:
            lock = managers.find("/configs", LOCK)
            if seconds_left(managers, lock, installation):  # somebody works on it
                unended = []
        unfinished = {}
        for module in unended:
            node = data.deployed[module].restoring
            values = {"module": module, "node": node}
            unfinished[module] = (_HALF if node else _UNENDED).with_values(values)
        return Deployed(titles, installation, unfinished)

    def _cluster(self, name: str) -> tuple[str, ClusterData, Managers]:
        """The name of the cluster *name*, what is remembered of it, and its managers."""
        name, data = self.file.get(name)
        key = (name, data.id, *data.managers)
        if key not in self._managers:
            self._managers[key] = Managers(name, data.managers, data.id)
        return name, data, self._managers[key]

    # -- adding and forgetting ---------------------------------------------------------------------

    def add(self, name: str, hosts: Sequence[str]) -> ClusterView:
        """Remember the cluster *name* with managers at *hosts*.

        Raises:
            SettingError: one of them is no address.
            ClusterError: they are of several clusters, or none manages one.
        """
        for host in hosts:
            if why := why_unusable(host):
                raise SettingError(host, why)
            if host.startswith(("tcp:", "http:", "https:")) and not is_local(host):
                why = Text("an engine that listens to the network has no lock. Use ssh://")
                raise SettingError(host, why)
        known = self.file.all().get(name)
        with closing(Managers(name, hosts, known.id if known else "")) as managers:
            cluster = managers.check()
            seen, id = see(managers), self._app.settings.installation_id
        modules = {str(labels_of(one)[MODULE]) for one in seen.services if MODULE in labels_of(one)}
        ours = [module for module in modules if not seen.foreign(module, id)]
        with self.file.update() as clusters:
            data = clusters.setdefault(name, ClusterData(managers=[]))
            data.managers, data.id = [*dict.fromkeys(hosts)], cluster["ID"]
            for module in ours:  # noted before the cluster was forgotten
                data.deployed.setdefault(module, DeployedData())
        self.tell(name)
        return self.status(name)

    def forget(self, name: str) -> None:
        """Forget the cluster *name*. What runs there stays."""
        name, _ = self.file.get(name)
        with self.file.update() as clusters:
            clusters.pop(name, None)
        self._seen.pop(name, None)
        self.tell(name)

    # -- deploying ---------------------------------------------------------------------------------

    def plan(self, asked: DeployRequest) -> DeployPlan:
        """What deploying *asked* does."""
        name, _, managers = self._cluster(asked.cluster)
        view = self._planned(name, managers, asked, self._app.preview).view
        if asked.backup and view.problems:  # it is not known yet where its data belongs
            return view
        try:
            restoration = self._restoration(name, managers, asked, view)
        except AiServerError as error:
            whys = (one.text for one in each(error))
            return replace(view, problems=(*view.problems, *whys))
        return restoration.shown_in(view) if restoration else view

    def _restoration(
        self, name: str, managers: Managers, asked: DeployRequest, view: DeployPlan
    ) -> "Restoration | None":
        """What takes a backup's data along in the deployment *view*. None: no backup is asked for.

        Raises:
            AiServerError: it can't be done, or one is needed.
        """
        if asked.backup:
            # Few need it, and what reads backups is slow to import.
            from aiserver_tray.features.cluster.restore import Restoration  # noqa: PLC0415

            seen, deploy = see(managers), self.deploy_within
            return Restoration(self.file, deploy, self._place, name, asked, view, seen)
        if asked.node_address:
            raise ClusterError(_NO_BACKUP)
        known = self._noted(name)
        half = {m: node for m in view.modules if m in known and (node := known[m].restoring)}
        whys = [_HALF.with_values({"module": m, "node": node}) for m, node in half.items()]
        raise_all([ClusterError(why) for why in whys])
        return None

    def _planned(
        self,
        name: str,
        managers: Managers,
        asked: DeployRequest,
        get: "Callable[[str], ModuleTarget]",
    ) -> Planned:
        seen = see(managers)
        running = self._running_here()
        folders = on_cluster(managers, seen, self._engine())
        found = [with_declared(one, folders) for one in with_requires(asked.modules, get)]
        specs = self._specs([target for target, _ in found], asked, seen)
        here = Here(name, self._app.settings.installation_id, running, asked.pin)
        objects = objects_of(managers, [v for spec in specs for v in spec.volumes])
        planned = plan_deploy(specs, seen, objects, here)
        if names := dict.fromkeys(name for _, unknown in found for name in unknown):
            notice = _UNKNOWN_IMAGES.with_values({"images": Listed(names)})
            view = replace(planned.view, notices=(*planned.view.notices, notice))
            return replace(planned, view=view)
        return planned

    def _specs(
        self, targets: "Iterable[ModuleTarget]", asked: DeployRequest, seen: Seen
    ) -> list[ModuleSpec]:
        found, secrets = [], self._app.secrets
        for target in targets:
            if target.untrusted:
                raise target.untrusted.within("cluster deploy {module}")
            was = any(one["Spec"].get("EndpointSpec", {}).get("Ports") for one in
                      seen.of_module(target.name))  # fmt: skip
            is_asked = asked.publish is not None and target.name in asked.modules
            publish = bool(asked.publish) if is_asked else was
            found.append(module_spec(target, secrets, publish=publish))
        return found

    def _engine(self) -> "Engine | None":
        """This computer's engine. None: it does not run."""
        is_running = self._place.core.store.snapshot.engine.running
        return self._place.core.engine if is_running else None

    def _running_here(self) -> set[str]:
        """The modules that run on this computer's engine, or are to run there."""
        store = self._place.core.store
        with suppress(TimeoutError):
            store.wait_until(lambda s: s.engine.running or bool(s.engine.error), _ENGINE_SECONDS)
        off = ("stopped", "engine_down")
        return {m.name for m in store.snapshot.modules if m.wanted or m.state not in off}

    def deploy(self, asked: DeployRequest, kind: WorkKind = "deploy") -> str:
        """Start to deploy *asked*, with the data of a backup if it has one, once nothing is in the
        way; the ID of the work."""
        name, _, managers = self._cluster(asked.cluster)
        planned = self._planned(name, managers, asked, self._app.preview)
        refuse(planned)
        modules = planned.view.modules
        if restoration := self._restoration(name, managers, asked, planned.view):
            return self.begin(name, "restore", modules, restoration.run)

        def run(deployment: Deployment) -> None:
            self.deploy_within(name, asked, deployment)

        return self.begin(name, kind, modules, run)

    def deploy_within(self, name: str, asked: DeployRequest, deployment: Deployment) -> None:
        """Deploy *asked* on the cluster *name* as a part of work that has its lock. Others may have
        changed the cluster until it had that."""
        current = self._planned(name, deployment.managers, asked, self._app.target)
        refuse(current)
        work, modules = deployment.work, current.view.modules
        work.plan((*work.view.steps, *current.view.steps))
        for notice in current.view.notices:
            work.notice(notice)
        before = self._noted(name)
        self._note(name, modules, unfinished=True)
        deployment.files.update(current.files)
        try:
            deployment.run(current.waves)
        except AiServerError:
            if deployment.is_put_back:
                self.file.note(name, {module: before.get(module) for module in modules})
            raise
        self._note(name, modules, unfinished=False)
        clean(deployment.managers, deployment.installation, wait=False)

    def update(self, asked: UpdateRequest) -> str:
        """Start to update *asked*, which must be deployed."""
        self._of_ours(asked.cluster, asked.modules)
        return self.deploy(DeployRequest(**dict(asked)), "update")

    def _of_ours(self, cluster: str, modules: Iterable[str]) -> tuple[str, Managers, Seen]:
        """The name of *cluster*, its managers, and what is there.

        Raises:
            ClusterError: one of *modules* is not deployed, or from another home.
        """
        name, data, managers = self._cluster(cluster)
        seen = see(managers)
        self._own(modules, seen, data)
        return name, managers, seen

    def _own(self, modules: Iterable[str], seen: Seen, data: ClusterData) -> None:
        for module in modules:
            if not seen.of_module(module) and module not in data.deployed:
                raise ClusterError(_MISSING.with_values({"module": module}), module=module)
            if names := seen.foreign(module, self._app.settings.installation_id):
                named = {"module": module, "names": Listed(names)}
                raise ClusterError(_FOREIGN.with_values(named), module=module)

    def begin(
        self,
        name: str,
        kind: WorkKind,
        modules: Sequence[str],
        run: Callable[[Deployment], object],
    ) -> str:
        """Start work on the cluster *name*, with its lock: *run*. The ID of the work."""
        _, _, managers = self._cluster(name)

        def task(work: Work) -> None:
            patient = managers.patient(LEADER_SECONDS, work.cancelled.is_set)
            try:
                id = self._app.settings.installation_id
                with locked(patient, work.view.id, id) as lock:
                    run(Deployment(patient, work, lock, id, {}))
            except AiServerError as error:
                error.hide(self._app.secrets)
                raise
            finally:
                with suppress(AiServerError):
                    self.refresh(name)

        return self.works.begin(name, kind, modules, task)

    def _noted(self, name: str) -> Mapping[str, DeployedData]:
        known = self.file.all().get(name)
        return known.deployed if known else {}

    def _note(self, name: str, modules: Iterable[str], *, unfinished: bool) -> None:
        old = self._noted(name)
        change = {"unfinished": unfinished}
        new = {m: (old.get(m) or DeployedData()).model_copy(update=change) for m in modules}
        self.file.note(name, new)

    # -- changing what is there --------------------------------------------------------------------

    def roll_back(self, cluster: str, module: str) -> str:
        """Start to put back the services of *module* to what they were before."""
        name, _, seen = self._of_ours(cluster, [module])
        nodes = node_views(seen)
        actions = tuple(
            Action.of("rollback", one["Spec"]["Name"], module, one["PreviousSpec"])
            for one in seen.of_module(module)
            if service_view(one, seen, nodes).can_roll_back
        )
        if not actions:
            raise ClusterError(Text("{module} has nothing to go back to.", module=module))
        return self._carry_out(name, "rollback", [module], actions)

    def _carry_out(
        self, name: str, kind: WorkKind, modules: Sequence[str], actions: tuple[Action, ...]
    ) -> str:
        def run(deployment: Deployment) -> None:
            deployment.work.plan([one.step for one in actions])
            deployment.run([actions])

        return self.begin(name, kind, modules, run)

    def remove(self, cluster: str, modules: Sequence[str], *, keep: bool) -> str:
        """Start to remove *modules*; *keep*: which node has their volumes."""
        name, _, seen = self._of_ours(cluster, modules)
        users = {
            str(labels_of(one)[MODULE])
            for one in seen.services
            if {*(required_in(labels_of(one)) or ())} & {*modules}
            and not any(one in seen.of_module(module) for module in modules)
        }
        if users:
            text = Text(
                "{module} is required on the cluster by {users}. Remove both together.",
                module=Listed(modules),
                users=Listed(sorted(users)),
            )
            raise ClusterError(text)

        def run(deployment: Deployment) -> None:
            actions = plan_removal(modules, see(deployment.managers))
            deployment.work.plan([one.step for one in actions])
            self._note(name, modules, unfinished=True)
            deployment.run([actions])
            for module in () if keep else modules:
                set_pin(deployment.managers, module, None)
            clean(deployment.managers, deployment.installation, wait=True)
            known = self._noted(name)
            kept = [m for m in modules if keep and m in known and known[m].restoring]
            left = {m: known[m].model_copy(update={"unfinished": False}) for m in kept}
            self.file.note(name, {**dict.fromkeys(modules), **left})

        return self.begin(name, "remove", modules, run)

    def scale(self, asked: ScaleRequest) -> str:
        """Start to run a service as often as *asked*."""
        name, _, seen = self._of_ours(asked.cluster, [asked.module])
        nodes = node_views(seen)
        views = [service_view(one, seen, nodes) for one in seen.of_module(asked.module)]
        found = next((one for one in views if asked.service in (one.name, one.on_cluster)), None)
        if found is None or not found.scalable:
            can = Listed([one.name for one in views if one.scalable] or ["-"])
            text = Text(
                "{module}/{service} can't run several times: its module does not say that it may. "
                "Those that can: {names}",
                module=asked.module,
                service=asked.service,
                names=can,
            )
            raise ClusterError(text, module=asked.module)
        mode = {"Mode": {"Replicated": {"Replicas": asked.replicas}}}
        action = Action.of("scale", found.on_cluster, asked.module, mode)
        return self._carry_out(name, "scale", [asked.module], (action,))

    def pin(self, asked: PinRequest) -> ClusterView:
        """Let the volumes of a module be on one node."""
        name, data, managers = self._cluster(asked.cluster)
        with locked(managers, uuid4().hex, self._app.settings.installation_id):
            self._pin(asked, data, managers)
        return self.status(name)

    def _pin(self, asked: PinRequest, data: ClusterData, managers: Managers) -> None:
        seen = see(managers)
        if seen.of_module(asked.module):
            self._own([asked.module], seen, data)
        node = self._node(asked.node, seen)
        views = node_views(seen)
        has = [one.name for one in views if asked.module in one.pinned and one.id != node.id]
        if has and seen.of_module(asked.module) and not asked.empty:
            text = Text(
                "{module} has its data on {old}. On {node}, it would start with empty volumes: "
                "data does not move along. To do that all the same, use --empty; to take the data "
                "along, deploy it from a backup.",
                module=asked.module,
                old=Listed(has),
                node=node.name,
            )
            raise ClusterError(text, module=asked.module)
        set_pin(managers, asked.module, node.id)

    def set_node(self, cluster: str, node: str, availability: Availability) -> ClusterView:
        """Let *node* have this *availability*."""
        name, _, managers = self._cluster(cluster)
        seen = see(managers)
        found = self._node(node, seen)
        given = next(one for one in seen.nodes if one["ID"] == found.id)
        managers.change("/nodes", given, {**given["Spec"], "Availability": availability})
        return self.status(name)

    def _node(self, name: str, seen: Seen) -> NodeView:
        views = node_views(seen)
        if (found := find_node(name, views)) is None:
            raise UnknownNameError(name, [one.name for one in views])
        return found

    # -- the rest ----------------------------------------------------------------------------------

    def logs(self, asked: ClusterLogsRequest) -> ClusterLogs:
        """The last lines of a module's services."""
        from aiserver_tray.features.cluster.logs import read_logs  # noqa: PLC0415 - few need it

        _, managers, seen = self._of_ours(asked.cluster, [asked.module])
        services = {str(labels_of(one)[SERVICE]): one for one in seen.of_module(asked.module)}
        if asked.service and asked.service not in services:
            raise UnknownNameError(asked.service, [*services])
        wanted = [services[asked.service]] if asked.service else [*services.values()]
        names = node_names(seen.nodes)
        return read_logs(managers, wanted, names, asked.tail, self._app.secrets)

    def refuse_deployed(self, request: "Request") -> None:
        """Raises `ClusterError` if *request* would start a module here that is on a cluster."""
        if request.kind not in _STARTING:
            return
        deployed = {
            module: name
            for name, data in self.file.all().items()
            for module, one in data.deployed.items()
            if one.unfinished or not one.restoring
        }
        wanted = (request.modules or self._app.chosen) if deployed else ()
        for model in obtainable(wanted, self._app.model):
            if cluster := deployed.get(model.name):
                text = Text(
                    "{module} is deployed on the cluster {name}, and must not run here, too. "
                    "Remove it there first: aiserver-tray cluster remove {module}",
                    module=model.name,
                    name=cluster,
                )
                raise ClusterError(text, module=model.name, cluster=cluster)


def refuse(planned: Planned) -> None:
    """Raises `ClusterError` for each problem of *planned*."""
    raise_all([ClusterError(problem) for problem in planned.view.problems])


def _unseen(name: str, data: ClusterData) -> ClusterView:
    managers = tuple(ManagerView(host, "unreachable") for host in data.managers)
    return ClusterView(name, data.id, "unknown", None, managers, (), (), None)
