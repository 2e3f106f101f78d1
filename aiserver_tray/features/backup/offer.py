"""What a backup's file can restore here, and what has to be decided before. The file only selects
what this catalog has: names, labels and owners come from here."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from aiserver_tray.base.errors import (
    AiServerError,
    RestoreError,
    SettingError,
    raise_all,
    refuse_unknown,
)
from aiserver_tray.base.errors.engine import MIRRORS
from aiserver_tray.base.i18n import Given, Listed, Text
from aiserver_tray.catalog.extension import AddressSetting
from aiserver_tray.features.access.store import authority_of
from aiserver_tray.features.backup.archive import BackupFile
from aiserver_tray.features.backup.create import CLONE_RATE
from aiserver_tray.features.backup.manifest import ManifestEntry, ManifestModule
from aiserver_tray.features.backup.planning import Tools
from aiserver_tray.features.backup.restore import Choice, volumes_of
from aiserver_tray.features.backup.views import BackupView, Decision, RestorableModule, RestoreOffer
from aiserver_tray.operations.plan.up import images_of
from aiserver_tray.operations.survey import HostPort
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.names import (
    BACKUP_FOLDER,
    BIND,
    CA_CERTIFICATES,
    ENGINE,
    KERNEL_SETTINGS,
    MODULE_FOLDERS,
)
from aiserver_tray.spec.kernel import HELPER
from aiserver_tray.spec.labels import INSTALLATION, MODULE
from aiserver_tray.system.chosen_folder import why_not_filled

if TYPE_CHECKING:
    from aiserver_tray.catalog.modules import Module
    from aiserver_tray.catalog.setting import Setting
    from aiserver_tray.engine.values import ContainerSummary
    from aiserver_tray.operations.operation import Operations
    from aiserver_tray.operations.preflight.ports import PortUse

_SWAP_SECONDS = 3.0
_ASKED = {MIRRORS: True, KERNEL_SETTINGS: True, BACKUP_FOLDER: False, CA_CERTIFICATES: False}
"""Settings of the app that a move asks about -> whether their values may be right here, too."""
WITHOUT_BACKUP = "without_backup"
"""The ID of the decision to replace what can't be backed up before."""
AUTHORITY = "certificate"
"""The ID of the decision about the authority that devices trust."""


class Restorable:
    """The *file*, seen from the installation of *tools*."""

    def __init__(self, tools: Tools, operations: "Operations", file: BackupFile) -> None:
        self._tools = tools
        self._app = tools.app
        self._operations = operations
        self._file = file
        self._manifest = file.manifest
        self._modules = {module.name: module for module in file.manifest.modules}
        self._known = tools.app.catalog.modules

    @property
    def is_from_here(self) -> bool:
        """Whether this installation made it."""
        return self._manifest.installation == self._app.settings.installation_id

    @property
    def uninstalled(self) -> dict[str, ManifestModule]:
        """The modules that this catalog does not have."""
        return {n: m for n, m in self._modules.items() if n not in self._app.names}

    def with_stores(self, chosen: Collection[str]) -> tuple[str, ...]:
        """*chosen*, and the modules that are restored with them.

        Raises:
            UnknownNameError: the backup has no such module.
        """
        refuse_unknown(chosen, self._modules)
        found = {name for module in chosen for name in self._together(module)} | {*chosen}
        return tuple(name for name in self._modules if name in found)

    # -- for the user ------------------------------------------------------------------------------

    def offer(self, id: str, view: BackupView | None, chosen: Collection[str]) -> RestoreOffer:
        """What it can restore. *view*: as the list has it; *chosen*: the modules to ask about."""
        names = self.with_stores(chosen)
        needed = self._needed(names)
        return RestoreOffer(
            id,
            self._manifest.made_at,
            self.is_from_here,
            self._manifest.reason == "move",
            self._manifest.computer,
            self._manifest.application,
            view.check if view else "unchecked",
            view.checked_at if view else None,
            tuple(map(self._view, self._modules.values())),
            tuple(self._decisions(names)),
            tuple(self._lacks(needed)),
            needed,
        )

    def _view(self, module: ManifestModule) -> RestorableModule:
        entries = self._entries([module.name])
        together = self._together(module.name)
        runs = self._running & {module.name, *together}
        whole = sum(entry.bytes for entry in entries)
        return RestorableModule(
            module.name,
            dict(module.title),
            module.version,
            whole,
            self._parts(module, entries),
            together,
            self._problem(module),
            whole * 2 / CLONE_RATE + _SWAP_SECONDS if runs else None,
            module.name in self.uninstalled,
        )

    def _parts(self, module: ManifestModule, entries: Sequence[ManifestEntry]) -> Text:
        """What the backup has of *module*, in words."""
        servers = dict.fromkeys(entry.server for entry in entries if entry.server)
        titles = (Given(self._known[n].title) if n in self._known else n for n in servers)
        said = [Text("database on {server}", server=title) for title in titles]
        if any(entry.kind == "volume" for entry in entries):
            said.append(Text("files"))
        said += (Text("the folder {folder}", folder=one.folder) for one in entries if one.folder)
        if module.settings:
            said.append(Text("settings"))
        if module.secrets:
            said.append(Text("passwords and keys"))
        return Text("Its {parts}", parts=Listed(said)) if said else Text("It has no data.")

    def _needed(self, names: Collection[str]) -> int:
        """The bytes that a restore of *names* needs on the engine for a while: for its data, beside
        a copy of what is there, and then twice."""
        new = sum(entry.bytes for entry in self._entries(names))
        images = self._images.bytes * 2 if self._images and self._has_platform else 0
        return images + new + max(new, self._tools.planner.kept_bytes(names))

    # -- images ------------------------------------------------------------------------------------

    @cached_property
    def _images(self) -> ManifestEntry | None:
        """The images of the file, unless all of them are here already."""
        found = next((one for one in self._manifest.entries if one.images), None)
        find = self._tools.engine.images.find
        return found if found and not all(map(find, found.images)) else None

    @property
    def _has_platform(self) -> bool:
        """Whether the engine runs the images of the file."""
        return self._manifest.platform == self._tools.engine.info().platform

    def _image_decisions(self) -> Iterator[Decision]:
        if self._images is None:
            return
        if self._has_platform:
            why = Text(
                "The file has them, so nothing has to be downloaded. They run on this computer, so "
                "load them only if you trust the person who made the file. Otherwise, they are "
                "pulled."
            )
            usual = "load" if self._manifest.reason == "move" else "pull"
            yield Decision("images", "images", Text("Load the images of the file"), why, usual)
            return
        why = Text(
            "Those in the file are for {platform}, and this engine runs {ours}. So they are not "
            "loaded, and all images are pulled.",
            platform=self._manifest.platform,
            ours=self._tools.engine.info().platform,
        )
        yield Decision("images", "consent", Text("Pull the images again"), why, "true")

    def _loaded(self) -> ManifestEntry | None:
        """The images that are loaded.

        Raises:
            RestoreError: the modules here have no images of these names.
        """
        if self._images is None:
            return None
        wanted = {*HELPER.candidates}
        for name, module in self._known.items():
            given = self._modules[name].settings if name in self._modules else {}
            versions = {one.setting for one in module.updates}
            there = {
                f"{name}.{key}": given[key]
                for key, setting in module.settings.items()
                if key in given and (key in versions or setting.choices)
            }
            for changes in ({}, there):
                with suppress(AiServerError):  # what can't start here needs no images
                    for image in images_of([self._app.preview(name, changes)]):
                        wanted |= {*image.candidates}
        if strange := sorted({*self._images.images} - wanted):
            text = Text(
                "The file has images that no module here uses: {images}. They are not loaded. "
                "Choose to pull the images instead.",
                images=Listed(strange[:5]),
            )
            raise RestoreError(text)
        return self._images

    def _lacks(self, needed: int) -> Iterator[Text]:
        free = self._tools.engine.machine().free_disk
        if free is not None and free < needed:
            yield Text(
                "The disk of the Docker engine has {free} MB left, and the restore needs "
                "{needed} MB. Free some space there.",
                free=free // 10**6,
                needed=needed // 10**6,
            )

    def _problem(self, module: ManifestModule) -> Text | None:
        """Why *module* can't be restored."""
        if module.name in self.uninstalled:
            if module.folder and not module.is_builtin:
                return None
            return Text(
                "This version of AI-Server Tray has no such module, and neither does the backup."
            )
        try:
            self._owners([module.name])
            self._check_stores(module.name)
        except AiServerError as error:
            return error.text
        return None

    # -- modules -----------------------------------------------------------------------------------

    @cached_property
    def _containers(self) -> "Sequence[ContainerSummary]":
        return self._tools.engine.containers.summaries(self._tools.owner.installation)

    @property
    def _running(self) -> set[str | None]:
        return {one.labels.get(MODULE) for one in self._containers if one.status == "running"}

    def _entries(self, modules: Collection[str]) -> list[ManifestEntry]:
        """What belongs to *modules*. Images are shared, so they are none of it."""
        entries = self._manifest.entries
        return [entry for entry in entries if entry.module in modules and not entry.images]

    @cached_property
    def _stores(self) -> frozenset[str]:
        """The modules of the backup that keep data of others in their volumes."""
        with_volumes = {one.module for one in self._manifest.entries if one.kind == "volume"}
        known = with_volumes & self._known.keys()
        return frozenset(name for name in known if self._known[name].kind == "basic")

    @cached_property
    def _there(self) -> set[str | None]:
        """The modules that have volumes or containers on the engine."""
        volumes, ours = self._tools.engine.volumes.all(), self._tools.owner.installation
        labels = [*(one.labels for one in volumes), *(one.labels for one in self._containers)]
        return {one.get(MODULE) for one in labels if one.get(INSTALLATION) == ours}

    def _users(self, store: str) -> set[str]:
        return {name for name, one in self._known.items() if store in one.possible_requires}

    def _requires(self, name: str) -> set[str]:
        required = self._known[name].possible_requires if name in self._known else ()
        return self._known.keys() & required

    def _together(self, name: str) -> tuple[str, ...]:
        """The other modules that are restored with *name*, because they share stores."""

        def sharing(one: str) -> set[str]:
            users = self._users(one) & self._modules.keys() if one in self._stores else set()
            return users | (self._stores & self._requires(one))

        found = _reached([name], sharing)
        return tuple(other for other in self._modules if other in found and other != name)

    def _check_stores(self, name: str) -> None:
        """Raises `RestoreError` if a store has data of modules that the backup does not have."""
        for store in {name, *self._together(name)} & self._stores:
            if others := sorted((self._users(store) & self._there) - self._modules.keys()):
                text = Text(
                    "{store} also keeps data of {modules}, which the backup does not have. Remove "
                    "the data of these modules first: aiserver-tray down {names} --volumes",
                    store=store,
                    modules=Listed(others),
                    names=" ".join(others),
                )
                raise RestoreError(text, module=name)

    def _owners(self, modules: Collection[str]) -> dict[str, str]:
        """By the name of each database's entry of *modules*, the role that owns it.

        Raises:
            RestoreError: the backup has what these modules don't have.
        """
        found = {}
        for one in self._entries(modules):
            if one.kind == "folder":
                continue
            if one.kind == "volume":
                if one.key not in volumes_of(self._tools, one.module):
                    raise _undeclared(one)
                continue
            server = self._tools.planner.server(one.server)
            owner = self._tools.planner.role(one.module, one.server, one.key)
            if server is None or server.dialect != one.kind or owner is None:
                raise _undeclared(one)
            found[one.name] = owner
        return found

    # -- settings ----------------------------------------------------------------------------------

    def check(self, chosen: Sequence[str], decisions: Mapping[str, str]) -> dict[str, str]:
        """All answers of a restore of *chosen*: the *decisions*, else the suggestions. Raises all
        that is wrong with it, as far as it is known before the modules that the backup brings are
        added."""
        names = self.with_stores(chosen)
        problems = {n: self._problem(self._modules[n]) for n in names}
        errors = [RestoreError(why, module=name) for name, why in problems.items() if why]
        asked = [*self._decisions(names)]
        answers = {one.id: decisions.get(one.id, one.value) for one in asked}
        found = [*self._lacks(self._needed(names))]
        found += filter(None, (_refused(one, answers[one.id]) for one in asked))
        folders = self._targets(names, answers).values()
        found += (why for folder in folders for why in self._why_not_filled(folder))
        raise_all([*errors, *map(RestoreError, found), *self._unfit(names, answers)])
        return answers

    def choice(self, chosen: Sequence[str], decisions: Mapping[str, str]) -> Choice:
        """What a restore of *chosen* does.

        Raises:
            AiServerError: it must not be done so; everything that is wrong.
        """
        answers, names = self.check(chosen, decisions), self.with_stores(chosen)
        folders = self._targets(names, answers)
        return Choice(
            self._file,
            names,
            tuple(e for e in self._entries(names) if not e.folder or e.name in folders),
            folders,
            self._owners(names),
            tuple(sorted(_reached(names, self._requires) - {*names})),
            self._redis(names),
            {**self._changes(names), **self._app_changes(), **self._settings(answers)},
            tuple(n for n in names if n in self._running or self._starts(n)),
            tuple(n for n in names if answers.get(f"{n}.triggers") == "off"),
            self._loaded() if answers.get("images") == "load" else None,
            self._manifest.chosen,
            self._manifest.rules,
            self._manifest.authority if answers.get(AUTHORITY) == "take" else None,
            tuple(name for name in names if name not in self._there),
        )

    def _starts(self, name: str) -> bool:
        """Whether the module *name* runs afterwards although it does not run now."""
        wanted = self._manifest.wanted
        return self._known[name].kind == "feature" if wanted is None else name in wanted

    def _redis(self, names: Collection[str]) -> dict[str, list[int]]:
        found = defaultdict[str, list[int]](list)
        for name in names:
            if databases := self._known[name].backup.redis:
                for other in self._requires(name) & self._there:
                    if self._known[other].store == "redis":
                        found[other] += databases
        return found

    def _changes(self, names: Collection[str]) -> dict[str, str | None]:
        """The settings of the backup, as far as they are for what is restored."""
        found: dict[str, str | None] = {}
        for name in names:
            given, has_data = self._modules[name], name in self._moved(names)
            stored = [f"{name}.{key}" for key in (*given.settings, *given.secrets)]
            is_there = name in self._there
            versions = {one.setting for one in self._known[name].updates if is_there}
            for address, setting in self._app.declared_by(name, stored).items():
                key = address.partition(".")[2]
                value = (given.secrets if setting.is_secret else given.settings).get(key)
                if isinstance(setting, AddressSetting):  # of the computer that was backed up
                    continue
                is_account = setting.is_secret and self._known[name].kind == "basic"
                if is_account and is_there and not has_data:
                    continue  # the server here has its own, and so have its databases
                belongs = has_data or not (setting.keep or setting.from_data or key in versions)
                belongs |= is_account  # that is created with it
                if belongs and not (setting.is_secret and value is None):
                    found[address] = self._usable(address, setting, value)
        return found

    def _app_changes(self) -> dict[str, str | None]:
        """The settings of the app, if everything moves here; without those that are asked about,
        and those that name places of the other computer."""
        if self._manifest.reason != "move":
            return {}
        given = {**self._manifest.settings, **self._manifest.secrets}
        kept = given.keys() & APP_SETTINGS.keys() - {ENGINE, MODULE_FOLDERS, BIND, *_ASKED}
        return {a: self._usable(a, APP_SETTINGS[a], given[a]) for a in sorted(kept)}

    def _moved(self, names: Collection[str]) -> set[str]:
        """Those of *names* whose data comes with them; that of a database server stays."""
        return {
            e.module
            for e in self._entries(names)
            if e.kind == "volume" or e.server not in ("", e.module)
        }

    def _usable(self, address: str, setting: "Setting", value: str | None) -> str | None:
        """*value*, if this version takes it."""
        try:
            return None if value is None else setting.parse(address, value)
        except SettingError:
            return None

    def _settings(self, answers: Mapping[str, str]) -> dict[str, str | None]:
        """Those of *answers* that are settings, by address."""
        return {a: value or None for a, value in answers.items() if a in self._app.declared}

    def _unfit(self, names: Collection[str], answers: Mapping[str, str]) -> Iterator[AiServerError]:
        """What is wrong with the *answers* that are settings."""
        try:
            values = self._app.settings.parsed(self._app.declared, self._settings(answers))
        except AiServerError as error:
            yield error
            return
        ports = self._ports(names)
        chosen = ports | {a: value for a in ports if (value := values.get(a))}
        for address in ports.keys() & values.keys():
            if why := self._why_taken(address, chosen[address], chosen):
                yield RestoreError(Text("{why} Choose another port.", why=why))

    def _decisions(self, names: Collection[str]) -> Iterator[Decision]:
        yield from self._image_decisions()
        yield from self._port_decisions(names)
        for id, entry in self._folder_entries(names).items():
            yield self._files(id, entry)
        for name in names:
            if name in self.uninstalled:
                yield _consent(self._modules[name])
                continue
            module = self._app.catalog.module(name)
            for key, setting in module.settings.items():
                address = f"{name}.{key}"
                value = self._modules[name].settings.get(key, setting.initial)
                if setting.type == "folder" and value:
                    given = self._modules[name].settings.get(key)
                    yield from self._folder(address, setting, value, given)
            if module.backup.quiet and not self.is_from_here:
                yield _triggers(module, "on" if self._manifest.is_stopped else "off")
        if not self.is_from_here:
            yield from self._places()
            yield from self._authority()

    def _ports(self, names: Iterable[str]) -> dict[str, str]:
        """The ports of *names* in the backup, by the address of their setting."""
        return {
            f"{name}.{key}": port
            for name in names
            if name in self._known
            for key, setting in self._known[name].settings.items()
            if setting.type == "port"
            and (port := self._modules[name].settings.get(key, setting.initial))
        }

    def _port_decisions(self, names: Iterable[str]) -> Iterator[Decision]:
        chosen: dict[str, str] = {}
        for address, port in self._ports(names).items():
            chosen[address] = port
            if why := self._why_taken(address, port, chosen):
                setting = self._app.declared[address]
                now = self._app.settings.known({address: setting}).get(address) or port
                chosen[address] = free = self._free_port(address, now, chosen)
                yield Decision(address, "port", self._title(address, setting), why, free)

    def _port_use(self, address: str, port: str) -> "PortUse | None":
        place = HostPort(self._app.settings.app.bind, int(port), "tcp")
        return self._operations.port_use(address.partition(".")[0], place)

    def _why_taken(self, address: str, port: str, chosen: Mapping[str, str]) -> Text | None:
        """Why the setting *address* can't have *port*, while all those *chosen* have theirs."""
        for other, taken in chosen.items():
            if taken == port and other != address:
                return Text("Port {port} is also that of {name}.", port=port, name=other)
        if use := self._port_use(address, port):
            return Text("Port {port} is in use by {owner}.", port=port, owner=use.owner)
        return None

    def _free_port(self, address: str, port: str, chosen: Mapping[str, str]) -> str:
        """One near *port* that the setting *address* can have."""
        while self._why_taken(address, port, chosen):
            use = self._port_use(address, port)
            port = str(use.free if use else int(port) + 1)
        return port

    def _folder(
        self, address: str, setting: "Setting", value: str, given: str | None
    ) -> Iterator[Decision]:
        now = self._app.settings.stored({address: setting})[address] or ""
        if given and given != now and not self.is_from_here:
            yield self._other_computer(address, setting, given, now)
            return
        for error in self._app.settings.unfit_folders({address: setting}, {address: value}):
            why = Text("It can't be as it was: {why}. Without a folder, leave it empty.",
                       why=error.why)  # fmt: skip
            yield Decision(address, "folder", self._title(address, setting), why, "")

    def _folder_entries(self, names: Collection[str]) -> dict[str, ManifestEntry]:
        """The folders of *names* in the backup, by the ID of the decision where they go."""
        return {f"{e.module}.folder{e.key}": e for e in self._entries(names) if e.folder}

    def _targets(self, names: Collection[str], answers: Mapping[str, str]) -> dict[str, str]:
        """By name of an entry of a folder that is restored, the folder that gets its files."""
        entries = self._folder_entries(names).items()
        return {entry.name: folder for id, entry in entries if (folder := answers[id])}

    def _files(self, id: str, entry: ManifestEntry) -> Decision:
        """Where the files of a folder go: to where they were, or beside what is there now."""
        beside = f"{entry.folder} {self._manifest.made_at:%Y-%m-%d}"
        fit = (one for one in (entry.folder, beside) if not any(self._why_not_filled(one)))
        text = Text(
            "Their new folder must be empty, and is made if there is none. Leave it empty here to "
            "restore without these files."
        )
        title = Text("Files of {folder}", folder=entry.folder)
        return Decision(id, "folder", title, text, next(fit, ""))

    def _why_not_filled(self, folder: str) -> Iterator[Text]:
        home, host = self._app.settings.folder, self._tools.engine.host
        if why := why_not_filled(folder, home, host):
            yield Text("No files can be restored to {folder}: {why}.", folder=folder, why=why)

    def _title(self, address: str, setting: "Setting") -> Text:
        title = Given(setting.title) if setting.title else Text("{name}", name=address)
        module = self._known.get(address.partition(".")[0])
        return (
            Text("{module}: {title}", module=Given(module.title), title=title) if module else title
        )

    def _other_computer(self, address: str, setting: "Setting", given: str, now: str) -> Decision:
        """Whether a value that depends on the computer stays as it is *now*."""
        is_folder, title = setting.type == "folder", self._title(address, setting)
        text = Text(
            "The backup's installation used {value}. This computer may need another value.",
            value=given,
        )
        if is_folder:
            text = Text(
                "The other computer used {value}. Choose a folder of this one, or leave it empty.",
                value=given,
            )
        return Decision(address, "folder" if is_folder else "setting", title, text, now)

    def _places(self) -> Iterator[Decision]:
        """About settings of the app that depend on the computer."""
        given, app = self._manifest.settings, self._app.settings.app
        if (bind := given.get(BIND)) and bind != app.bind:
            yield self._other_computer(BIND, APP_SETTINGS[BIND], bind, app.bind)
        for address, is_likely in _ASKED.items() if self._manifest.reason == "move" else ():
            now = self._app.settings.stored({address: APP_SETTINGS[address]})[address] or ""
            if (value := given.get(address)) and value != now:
                suggestion = value if is_likely else now
                yield self._other_computer(address, APP_SETTINGS[address], value, suggestion)
        if (engine := given.get(ENGINE)) and engine != app.engine:
            title = Text("Restore on the Docker engine {host}", host=self._tools.engine.host)
            why = Text(
                "The backup's installation used {value}. Everything is restored on the engine that "
                "is in use now. For the other one, choose it first in Settings > Docker.",
                value=engine,
            )
            yield Decision("engine", "consent", title, why, "true")

    def _authority(self) -> Iterator[Decision]:
        """Whether devices that trust the other computer trust this one, too."""
        given, own = self._manifest.authority, authority_of(self._app.settings)
        if given is None or (own and own[0] == given.certificate):
            return
        from aiserver_tray.features.access import authority  # noqa: PLC0415 - slow

        if not authority.is_authority(authority.Pair(given.certificate, given.key)):
            return
        name, mark = authority.name_of(given.certificate), authority.fingerprint(given.certificate)
        title = Text("Certificate of {name}", name=name)
        why = Text(
            "Devices that trust it open modules of this computer without a warning, too. Its "
            "SHA-256 fingerprint is {fingerprint}.",
            fingerprint=mark,
        )
        if own:
            why = Text(
                "It replaces the certificate of this computer: devices that trust only that one "
                "have to trust this one, whose SHA-256 fingerprint is {fingerprint}.",
                fingerprint=mark,
            )
        yield Decision(AUTHORITY, "certificate", title, why, "keep" if own else "take")


def _reached(names: Iterable[str], more: Callable[[str], Set[str]]) -> set[str]:
    """*names*, what there is *more* with each of them, and so on."""
    found, todo = {*names}, [*names]
    while todo:
        new = more(todo.pop()) - found
        found |= new
        todo += new
    return found


def _refused(decision: Decision, answer: str) -> Text | None:
    """Why *answer* is none to *decision*."""
    if decision.kind == "triggers" and answer not in ("off", "on"):
        return Text("{name} takes on or off, not {answer!r}.", name=decision.id, answer=answer)
    if decision.kind == "images" and answer not in ("load", "pull"):
        return Text("{name} takes load or pull, not {answer!r}.", name=decision.id, answer=answer)
    if decision.kind == "certificate" and answer not in ("take", "keep"):
        return Text("{name} takes take or keep, not {answer!r}.", name=decision.id, answer=answer)
    if decision.kind == "consent" and answer != "true":
        return Text("{title}: allow this first, or restore without it.", title=decision.title)
    return None


def _undeclared(entry: ManifestEntry) -> RestoreError:
    text = Text(
        "{module} has no {name} here, so this part of the backup belongs to nothing. Use the "
        "version of the module that made the backup.",
        module=entry.module,
        name=entry.key,
    )
    return RestoreError(text, module=entry.module)


def _consent(module: ManifestModule) -> Decision:
    title = Text("Add {name} to your modules", name=module.name)
    why = Text(
        "This module is not built in, and its files come from the backup. Allow it only if you "
        "trust whoever made the backup."
    )
    return Decision(f"{module.name}.consent", "consent", title, why, "")


def without_backup(why: Text) -> Decision:
    """The decision to restore although what is there can't be backed up, *why*."""
    title = Text("Restore without backing up first")
    text = Text("{why} What is there now is then lost.", why=why)
    return Decision(WITHOUT_BACKUP, "consent", title, text, "")


def _triggers(module: "Module", suggestion: str) -> Decision:
    title = Text("Triggers of {name}", name=module.name)
    why = Text(
        "The installation that made the backup may still run. If the triggers stay off, nothing "
        "is done twice until you turn them on again."
    )
    return Decision(f"{module.name}.triggers", "triggers", title, why, suggestion)
