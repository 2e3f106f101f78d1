"""The journal of backups, restores, upgrades and adoptions under way, and how those that were
interrupted end.

Every change of data follows its entry, and can be repeated. While a restore or upgrade is
*prepared*, it has changed nothing: what it has made beside is removed. Once it has *swapped*
something, all is put back, unless it was *whole*. While it counts as swapped, nothing is dropped
that says which content a database has. What a whole upgrade has replaced is *kept* for some days:
until it is put back as if the upgrade had been interrupted, or dropped.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

from aiserver_tray.base.errors import (
    AdoptError,
    AiServerError,
    BackupError,
    EngineDownError,
    NameConflictError,
    ObjectConflictError,
    ObjectNotFoundError,
    RestoreError,
    UpgradeError,
    raise_all,
)
from aiserver_tray.base.i18n import Given, Listed, Text
from aiserver_tray.engine.cancellation import Cancellation
from aiserver_tray.features.backup.archive import part_of
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.stage import Stage
from aiserver_tray.features.backup.volumes import leftovers, remove_leftovers
from aiserver_tray.operations.modules import with_requires
from aiserver_tray.settings.entries import in_all_languages
from aiserver_tray.settings.unended import BackupJournal, Unended
from aiserver_tray.spec.labels import HOME, INSTALLATION, MODULE
from aiserver_tray.spec.mounts import is_plain

_AWAIT_DATABASE = "command -v pg_isready && until pg_isready -qh 127.0.0.1; do sleep 0.2; done"
_DATABASE_SECONDS = 60


def clean(tools: Tools, journal: BackupJournal) -> None:
    """Remove from the engine what no operation of *journal* has there."""
    remove_leftovers(tools.engine, tools.owner.installation, journal.all.keys())


def ended(tools: Tools, journal: BackupJournal, id: str) -> None:
    """The operation *id* is over: remove what it has made beside, and its file unless it is
    whole."""
    known = journal.all
    if file := known[id].file:
        with suppress(OSError):  # the folder may be on a drive that is away
            part_of(Path(file)).unlink(missing_ok=True)
    others = known.keys() - {id}
    remove_leftovers(tools.engine, tools.owner.installation, others)
    journal.end(id)


def recover(tools: Tools, journal: BackupJournal, id: str) -> Callable[[Stage], None]:
    """The work that ends the interrupted operation *id*.

    Raises:
        BackupError, RestoreError: from the work, when it is done: the operation came to nothing.
    """

    def work(stage: Stage) -> None:
        entry = journal.all[id]
        with stage.locked(entry.modules, {one.server for one in entry.databases}) as dead:
            if (now := journal.interrupted.get(id)) is None:
                return
            wind_up(stage, tools, journal, id)
            if now.state == "whole":
                dead.clear()  # all that it stopped had stopped before, so nothing is restarted
        _report(now)

    return work


def wind_up(stage: Stage, tools: Tools, journal: BackupJournal, id: str) -> None:
    """End the operation *id*, however far it came. If that fails, the journal keeps what is left
    to do, and why."""
    entry, engine = journal.all[id], tools.engine.info().id
    if not entry.is_on(engine):
        text = _is_elsewhere(entry)
        _note(journal, id, text)
        raise RestoreError(text, modules=entry.modules)
    try:
        not_started = start_foreign(tools, journal, id)
        if entry.state == "swapped":
            refuse_before_later(journal, id, engine, entry.modules)
        _END[entry.kind, entry.state](stage, tools, journal, id)
        raise_all(not_started)  # ours is ended, but theirs is not, until it starts
    except AiServerError as error:
        is_half = journal.all[id].state == "swapped"
        _note(journal, id, _half_restored(entry, error.text) if is_half else error.text)
        raise
    if journal.all[id].state != "kept":
        ended(tools, journal, id)


def start_foreign(tools: Tools, journal: BackupJournal, id: str) -> list[AiServerError]:
    """Start the containers of others again that the adoption *id* has stopped, in their order.
    Returns the errors of those that don't start, which the journal keeps."""
    containers, stopped = tools.engine.containers, journal.all[id].foreign
    errors: dict[str, AiServerError] = {}
    for name in stopped:
        try:
            containers.start(name)
        except ObjectNotFoundError:  # its owner has removed it meanwhile
            continue
        except EngineDownError:
            raise
        except AiServerError as error:
            text = Text(
                "{container} could not be started again: {why} Start it yourself.",
                container=containers.definition(name)["Name"].removeprefix("/"),
                why=error.text,
            )
            errors[name] = AdoptError(text)
            continue
        if name != stopped[-1]:
            with suppress(AiServerError):  # it is no server of PostgreSQL
                body = {"Cmd": ["sh", "-c", _AWAIT_DATABASE]}
                containers.run(name, body, seconds=_DATABASE_SECONDS, cancelled=Cancellation())
    if stopped:
        with journal.update(id) as entry:
            entry.foreign = [*errors]
    return [*errors.values()]


def adoption_file(tools: Tools, id: str) -> Path:
    """The file that says how the adoption *id* ended. It is there before that is *whole*."""
    return tools.app.settings.folder / "adoptions" / f"{id}.json"


def _note(journal: BackupJournal, id: str, problem: Text) -> None:
    with journal.update(id) as noted:
        noted.problem = in_all_languages(problem)


def _is_elsewhere(entry: Unended) -> Text:
    return Text(
        "A backup or restore of {modules} was interrupted on another Docker engine, and has to end "
        "there. Nothing was changed on this one. Connect AI-Server Tray with the other engine "
        "again, and restart it.",
        modules=Listed(entry.modules),
    )


def refuse_before_later(
    journal: BackupJournal, id: str, engine: str, modules: Sequence[str]
) -> None:
    """Raises `RestoreError` if a later restore of *modules* has to be put back before *id*: it
    keeps what *id* has made."""
    known = journal.all
    later = takewhile(lambda other: other != id, reversed(known))
    if any(known[other].is_half(engine, modules) for other in later):
        why = Text("A later restore of these modules has to be put back first.")
        raise RestoreError(why, modules=modules)


def _report(entry: Unended) -> None:
    names = Listed(entry.modules)
    if entry.kind == "rehearse":
        raise UpgradeError(Text("The rehearsal of {modules} was interrupted.", modules=names))
    if entry.kind == "upgrade" and entry.state != "whole":
        text = Text(
            "The upgrade of {module} was interrupted. Everything is as it was before. Upgrade "
            "again.",
            module=entry.modules[0],
        )
        raise UpgradeError(text, module=entry.modules[0])
    if entry.quiet and entry.state != "whole":
        text = Text(
            "The switch between {module} and the program that was copied into it was interrupted. "
            "Everything is as it was before. Begin again, on the page Bring your own.",
            module=entry.modules[0],
        )
        raise AdoptError(text, module=entry.modules[0])
    if entry.kind == "adopt" and entry.state != "whole":
        text = Text(
            "The copy into {modules} was interrupted. Everything is as it was before, also the "
            "program that was copied. Begin again, on the page Bring your own or with: "
            "aiserver-tray adopt",
            modules=names,
        )
        raise AdoptError(text, module=entry.modules[0])
    if entry.kind == "backup":
        text = Text(
            "The backup of {modules} was interrupted, and no file was made. Everything that it had "
            "stopped runs again. To back up again, run: aiserver-tray backup create",
            modules=names,
        )
        raise BackupError(text)
    if entry.kind == "move":
        text = Text(
            "The packing of everything for another computer was interrupted. Everything that it "
            "had stopped runs again. Begin again on the page Backups, or with: aiserver-tray move"
        )
        raise BackupError(text)
    if entry.state != "whole":
        text = Text(
            "The restore of {modules} was interrupted. Everything is as it was before. Restore "
            "again.",
            modules=names,
        )
        raise RestoreError(text, modules=entry.modules)


def _start_again(stage: Stage, _tools: Tools, journal: BackupJournal, id: str) -> None:
    entry, containers = journal.all[id], stage.parts.store.state.containers
    stage.start([containers[name] for name in entry.ran if name in containers])


def _undo(stage: Stage, tools: Tools, journal: BackupJournal, id: str) -> None:
    """Remove what the restore or upgrade has made beside: it has changed nothing else."""
    entry = journal.all[id]
    if entry.kind == "adopt":
        adoption_file(tools, id).unlink(missing_ok=True)
    _take_images_back(tools, entry)
    _start_servers(stage, entry)
    for one in entry.databases:
        server = tools.server(one.server, Cancellation())
        server.drop(one.new)
        if entry.kind == "upgrade":
            server.drop(one.old)
    for name in {one.server for one in entry.databases if entry.roles}:
        tools.server(name, Cancellation()).drop_roles(entry.roles)
    if entry.kind == "upgrade":
        with _told(stage):
            _up_again(stage, tools, entry)
    else:
        _up_again(stage, tools, entry)


def _turn_off(stage: Stage, tools: Tools, entry: Unended) -> None:
    """Turn the triggers of ours off, which does not run: the program that was copied runs again."""
    for module in entry.quiet:
        required = {one.name for one in with_requires([module], tools.app.target)}
        stage.up(sorted(required - {module}))
        stage.quiet(module)


def _take_images_back(tools: Tools, entry: Unended) -> None:
    """Give the images their names of before. Those that *entry* has loaded are removed, unless a
    container uses them."""
    images = tools.engine.images
    for name, image in entry.images.items():
        with suppress(ObjectNotFoundError):  # there is no better one than the new one then
            images.tag(image, name)
    for name in entry.loads:
        with suppress(ObjectConflictError, ObjectNotFoundError):
            images.untag(name)


@contextmanager
def _told(stage: Stage) -> Iterator[None]:
    """What fails within the block does not undo what was done before: it is only told."""
    try:
        yield
    except EngineDownError:
        raise
    except AiServerError as error:
        stage.notice(error.text)


def _up_again(stage: Stage, tools: Tools, entry: Unended) -> None:
    """Start the modules that ran, whose containers are gone."""
    known = {s.container: model.name for model in tools.app.models for s in model.services}
    if modules := sorted({known[name] for name in entry.ran if name in known}):
        stage.up(modules)


def _put_back(stage: Stage, tools: Tools, journal: BackupJournal, id: str) -> None:
    """Make everything as it was before the restore or upgrade *id*. Can be repeated.

    Raises:
        RestoreError: others have removed what was kept, or use what is there. Nothing is changed
            then.
    """
    entry = journal.all[id]
    _remove_helpers(tools, id)
    removed = without_servers(entry.modules, (one.server for one in entry.databases))
    check_kept(tools, entry)
    refuse_used(tools, [one.volume for one in entry.volumes], removed)
    _start_servers(stage, entry)
    stage.remove(removed)
    volumes = tools.volumes(id, Cancellation())
    for one in entry.volumes:
        volumes.remove(one.volume)
        if one.kept:
            volumes.replace(one.volume, one.kept, {"Labels": one.labels})
    for each in entry.databases:
        server = tools.server(each.server, Cancellation())
        if not each.existed or server.exists(each.old):
            server.swap_back(each.database, each.new, each.old)
    tools.app.settings.put_back(entry.values, entry.secrets)
    if entry.kind == "upgrade":
        tools.app.applied.put_back(entry.modules[0], id)
        tools.app.refresh_catalog()
    _turn_off(stage, tools, entry)
    with journal.update(id) as noted:
        noted.state = "prepared"
    _undo(stage, tools, journal, id)


def _keep(stage: Stage, tools: Tools, journal: BackupJournal, id: str) -> None:
    """Keep what the upgrade has replaced, and nothing that an earlier one of its module has."""
    entry = journal.all[id]
    earlier = journal.kept(tools.engine.info().id).get(entry.modules[0])
    journal.keep(id)
    with _told(stage):
        if earlier:
            _start_servers(stage, earlier[1])
            forget(tools, journal, earlier[0])
    with _told(stage):
        _up_again(stage, tools, entry)


def forget(tools: Tools, journal: BackupJournal, id: str) -> None:
    """Remove what the upgrade *id*, which is kept, has replaced. Its servers must run."""
    _drop_beside(tools, journal.all[id])
    tools.app.applied.drop(id)
    ended(tools, journal, id)


def _finish(stage: Stage, tools: Tools, journal: BackupJournal, id: str) -> None:
    """Remove what the restore has replaced."""
    entry = journal.all[id]
    _start_servers(stage, entry)
    _drop_beside(tools, entry)
    _turn_off(stage, tools, entry)


def _drop_beside(tools: Tools, entry: Unended) -> None:
    for one in entry.databases:
        server = tools.server(one.server, Cancellation())
        server.drop(one.new)
        server.drop(one.old)


def _remove_helpers(tools: Tools, id: str) -> None:
    """Remove the containers of the restore *id*, which a killed process left with its volumes."""
    for one in leftovers(tools.engine, tools.owner.installation):
        if (one.kind, one.operation) == ("container", id):
            with suppress(ObjectNotFoundError):
                tools.engine.containers.remove(one.name)


def without_servers(modules: Iterable[str], servers: Iterable[str]) -> list[str]:
    """Those of *modules* whose containers a restore removes: the *servers* have to run, and others
    use them."""
    kept = {*servers}
    return [name for name in modules if name not in kept]


def refuse_used(tools: Tools, volumes: Iterable[str], modules: Collection[str]) -> None:
    """Raises `NameConflictError` or `RestoreError` if one of *volumes* can't be recreated: it is
    not ours, it is a folder or share, or a container has it that is not of *modules*, whose
    containers are removed before."""
    ours = tools.engine.containers.summaries(tools.owner.installation)
    removed = {one.name for one in ours if one.labels.get(MODULE) in modules}
    for name in volumes:
        if found := tools.engine.volumes.find(name):
            installation = found.labels.get(INSTALLATION)
            if installation != tools.owner.installation:
                raise NameConflictError("volume", name, installation, found.labels.get(HOME))
            if not is_plain(found.labels):
                raise RestoreError(is_no_plain_volume(name))
        if users := {*tools.engine.containers.names_with_volume(name)} - removed:
            text = Text(
                "The volume {volume} is used by {containers}. Remove these containers first.",
                volume=name,
                containers=Listed(sorted(users)),
            )
            raise RestoreError(text)


def is_no_plain_volume(name: str) -> Text:
    """Why the volume *name* is not replaced."""
    return Text(
        "The volume {volume} is a folder, a share, or made by a driver with options, so it can't "
        "be replaced as a whole. Put its files back by other means.",
        volume=name,
    )


def _start_servers(stage: Stage, entry: Unended) -> None:
    if servers := sorted({one.server for one in entry.databases}):
        stage.up(servers)


def check_kept(tools: Tools, entry: Unended) -> None:
    """Raises `RestoreError` if others have removed what *entry* has kept."""
    kept = [one.kept for one in entry.volumes if one.kept]
    there = {volume.name for volume in tools.engine.volumes.all()}
    if missing := [name for name in kept if name not in there]:
        why = Text("The volumes {volumes} are gone.", volumes=Listed(missing))
        raise RestoreError(why, modules=entry.modules)


def _half_restored(entry: Unended, why: Text) -> Text:
    """Which steps are left after a restore that can't be undone."""
    return Text(
        "A restore or upgrade of {modules} was interrupted, and can't be undone: {why} Nothing was "
        "removed, and these modules are not started. Restart AI-Server Tray to try again, or "
        "restore them from a backup, which replaces all their data.",
        modules=Listed(entry.modules),
        why=why,
    )


_Ending = Callable[[Stage, Tools, BackupJournal, str], None]
_END: dict[tuple[str, str], _Ending] = {
    ("backup", "prepared"): _start_again,
    ("move", "prepared"): _start_again,
    ("restore", "prepared"): _undo,
    ("restore", "swapped"): _put_back,
    ("restore", "whole"): _finish,
    ("rehearse", "prepared"): _start_again,
    ("adopt", "prepared"): _undo,
    ("adopt", "swapped"): _put_back,
    ("adopt", "whole"): _finish,
    ("upgrade", "prepared"): _undo,
    ("upgrade", "swapped"): _put_back,
    ("upgrade", "whole"): _keep,
}


def problem(journal: BackupJournal) -> Text | None:
    """Which restore, upgrade or adoption could not be ended, with the steps that are needed. None:
    there is none."""
    try:
        entries = journal.interrupted.values()
    except AiServerError as error:
        return error.text
    left = [
        one
        for one in entries
        if one.kind in ("restore", "upgrade", "adopt") and one.state != "whole"
    ]
    noted = [Given(one.problem) for one in left if one.problem]
    return next(iter([*noted, *(_is_half(one) for one in left if one.state == "swapped")]), None)


def _is_half(entry: Unended) -> Text:
    """What is left to do after a restore or upgrade that nobody has tried to put back, or of which
    a full disk has kept the reason from being noted."""
    return Text(
        "A restore or upgrade of {modules} was interrupted. Nothing was removed, and these "
        "modules are not started. Free some disk space if it is full, and restart AI-Server Tray, "
        "which puts everything back.",
        modules=Listed(entry.modules),
    )
