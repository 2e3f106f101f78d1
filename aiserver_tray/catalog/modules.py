"""One module of the catalog, as its Compose file declares it, before any value is known."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.catalog.compose.dotenv import parse_env_file
from aiserver_tray.catalog.compose.files import read_documents
from aiserver_tray.catalog.compose.keypath import mappings
from aiserver_tray.catalog.compose.problems import Problems, problems_of
from aiserver_tray.catalog.compose.reader import Document, Kept, collecting_opened, is_file
from aiserver_tray.catalog.compose.scalars import parse_size
from aiserver_tray.catalog.compose.variables import (
    PROFILES,
    Variable,
    find_profiles,
    find_variables,
)
from aiserver_tray.catalog.extension import (
    EXTENSION,
    STORES,
    Access,
    Account,
    Action,
    Backup,
    Connect,
    Database,
    FirstAccount,
    Kind,
    ModuleExtension,
    Needs,
    Store,
    Update,
    stated,
)
from aiserver_tray.catalog.plain import plain_settings
from aiserver_tray.catalog.setting import Choice, Setting


@dataclass(frozen=True)
class Module:
    """A folder of the catalog, or a single Compose file."""

    name: str
    source: Path
    """The folder, or the single file."""
    file: Path
    """The main file."""
    kind: Kind
    title: LocalText
    summary: LocalText
    icon: str
    requires: tuple[str, ...]
    hides_ports: bool
    """Whether none of its published ports is a web page."""
    no_page: tuple[int, ...]
    """Ports in its containers that are no web pages."""
    needs: Needs
    settings: Mapping[str, Setting]
    accounts: tuple[Account, ...]
    connect: Connect | None
    databases: tuple[Database, ...]
    backup: Backup
    actions: Mapping[str, Action]
    updates: tuple[Update, ...]
    access: Access | None
    variables: Mapping[str, Variable]
    declared: bool
    """Whether the file has an x-aiserver. A plain Compose file has none, and its variables are
    settings."""
    dotenv: Mapping[str, str]
    """The values of the ``.env`` file in the same folder, while nothing is set."""
    documents: tuple[Document, ...]
    opened: AbstractSet[str] = frozenset()
    """The files that were read for this."""

    @property
    def folder(self) -> Path:
        """The folder of the file."""
        return self.file.parent

    @property
    def possible_requires(self) -> tuple[str, ...]:
        """The requirements that do not depend on choices."""
        choices = (choice for s in self.settings.values() for choice in s.choices.values())
        return tuple(dict.fromkeys((*self.requires, *(r for c in choices for r in c.requires))))

    def requires_with(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The requirements with the choices in *values* (by bare name)."""
        chosen = (name for choice in self._chosen(values) for name in choice.requires)
        return tuple(dict.fromkeys((*self.requires, *chosen)))

    def needs_with(self, values: Mapping[str, str]) -> Needs:
        """The needs with the choices in *values* (by bare name)."""
        sizes = [choice.memory for choice in self._chosen(values) if choice.memory]
        total = sum(map(parse_size, (self.needs.memory or 0, *sizes)))
        return self.needs.model_copy(update={"memory": f"{total >> 20}m"}) if sizes else self.needs

    def profiles_with(self, values: Mapping[str, str]) -> frozenset[str]:
        """The profiles that the choices in *values* (by bare name) activate."""
        return frozenset(profile for choice in self._chosen(values) for profile in choice.profiles)

    def dotenv_with(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """A plain file's `dotenv` with the *given* values set: values that use other variables
        follow them.

        Raises:
            CatalogError: the ``.env`` can't be read any more.
        """
        return _dotenv(self.file, given) if given else self.dotenv

    @property
    def store(self) -> Store | None:
        """The server that it is for other modules, if it is one of these."""
        return STORES.get(self.connect.address.partition(":")[0]) if self.connect else None

    def update_of(self, images: Iterable[str]) -> Update | None:
        """Of the `updates`, the first one with an image of *images*, those of its active
        services."""
        names = [*images]
        return next((one for one in self.updates if one.tagged(names)), None)

    @property
    def tokens(self) -> dict[str, str]:
        """The settings that are access tokens, by bare name, and of which module."""
        return {name: s.token_of for name, s in self.settings.items() if s.token_of}

    def _chosen(self, values: Mapping[str, str]) -> list[Choice]:
        return [
            choice
            for name, setting in self.settings.items()
            for key, choice in setting.choices.items()
            if name in values and values[name] in (key, setting.in_file(key))
        ]

    def place(self, *path: str) -> Place:
        """The place of *path* (``"services", "web"``) in the module's own files."""
        problems = Problems(self.file)
        for document in self.documents:
            problems.add(document)
        return problems.place(path)

    def memory_setting(self, service: str) -> str | None:
        """The address of the setting that is the memory limit of *service*."""
        written = self.section("services").get(service)
        limit = written.get("mem_limit") if isinstance(written, dict) else None
        name = str(limit).removeprefix("${").removesuffix("}")
        is_size = name in self.settings and self.settings[name].type == "size"
        return f"{self.name}.{name}" if is_size else None

    def section(self, name: str) -> dict[str, Any]:
        """The section *name* (``services``) in the module's own files, as written; of several, the
        last."""
        sections = (document.tree.get(name) for document in self.documents)
        return {k: v for items in sections if isinstance(items, dict) for k, v in items.items()}


def load_module(name: str, source: Path) -> Module:
    """The module *name* of the folder or Compose file *source*. While no file of it changes, it is
    the same object.

    Raises:
        CatalogError: with every problem of the file's declarations.
    """
    return _modules.get((name, source.absolute()), source, lambda: _read(name, source))


_modules: Kept[Module] = Kept()


def _read(name: str, source: Path) -> Module:
    with collecting_opened() as opened:
        return replace(_loaded(name, source), opened=opened)


def _loaded(name: str, source: Path) -> Module:
    documents = tuple(read_documents(source))
    file = documents[0].file
    document = _extension_document(documents)
    extension = _extension(document) if document else ModuleExtension(kind="feature")
    profiles = {} if document else find_profiles(source)
    variables = _choosing(profiles) | find_variables(source)
    dotenv = {} if document else _dotenv(file, {})
    settings = extension.all_settings if document else plain_settings(variables, dotenv, profiles)
    return Module(
        name=name,
        source=source,
        file=file,
        kind=extension.kind,
        title=extension.title or {"en": name, "zh": name},
        summary=extension.summary,
        icon=extension.icon,
        requires=extension.requires,
        hides_ports=extension.open is False,
        no_page=extension.no_page,
        needs=extension.needs,
        settings=settings,
        accounts=tuple(extension.accounts),
        connect=extension.connect,
        databases=tuple(extension.databases),
        backup=extension.backup,
        actions=extension.actions,
        updates=tuple(extension.updates),
        access=extension.access,
        variables=variables,
        declared=document is not None,
        dotenv=dotenv,
        documents=documents,
    )


def _extension_document(documents: Sequence[Document]) -> Document | None:
    """The document whose x-aiserver counts. As in Compose, an extension in a later document
    replaces the whole of an earlier one."""
    found = None
    for document in documents:
        if EXTENSION in document.tree:
            found = document
        elif (EXTENSION,) in document.resets:
            found = None
    return found


def _extension(document: Document) -> ModuleExtension:
    try:
        return ModuleExtension.model_validate(document.tree[EXTENSION])
    except ValidationError as error:
        raise CatalogError(problems_of(error, document.place, (EXTENSION,))) from None


def check_extensions(module: Module, tree: Mapping[str, Any], problems: Problems) -> None:
    """Report problems of `x-aiserver` that only the whole *tree* of *module*'s files shows,
    including those that they extend and include."""
    _check_names(module, tree, problems)
    _check_services(module, tree, problems)


def _check_names(module: Module, tree: Mapping[str, Any], problems: Problems) -> None:
    """Report what *module*'s backups and actions name, and *tree* does not have."""
    volumes, services = tree.get("volumes") or {}, tree.get("services") or {}
    named: dict[tuple[str | int, ...], str] = {
        ("actions", name, "service"): one.service for name, one in module.actions.items()
    }
    if module.backup.quiet:
        named["backup", "quiet", "service"] = module.backup.quiet.service
    first = module.access.first_account if module.access else None
    if isinstance(first, FirstAccount) and first.service and not first.module:
        named["access", "first_account", "service"] = first.service
    for index, update in enumerate(module.updates):
        if update.probe and update.probe.service:
            named["updates", index, "probe", "service"] = update.probe.service
    for path, service in named.items():
        if service not in services:
            text = Text("expected a service of this file, found {found!r}", found=service)
            problems.report((EXTENSION, *path), text)
    for index, key in enumerate(module.backup.skip):
        if key not in volumes:
            text = Text("expected a volume of this file, found {found!r}", found=key)
            problems.report((EXTENSION, "backup", "skip", index), text)


def _check_services(module: Module, tree: Mapping[str, Any], problems: Problems) -> None:
    """Report problems of services' x-aiserver in *tree*."""
    for name, service in mappings(tree.get("services")):
        if EXTENSION in service:
            path = ("services", name, EXTENSION)
            try:
                requires = stated(service).requires or ()
            except ValidationError as error:
                problems.extend(problems_of(error, problems.place, path))
                continue
            for index, required in enumerate(requires):
                if required not in module.possible_requires:
                    text = Text(
                        "expected one of the required modules ({known}), found {found!r}",
                        known=", ".join(module.possible_requires),
                        found=required,
                    )
                    problems.report((*path, "requires", index), text)


def _dotenv(file: Path, given: Mapping[str, str]) -> dict[str, str]:
    path = file.parent / ".env"
    return parse_env_file(path, Place(path), given.get) if is_file(path) else {}


def _choosing(profiles: Mapping[str, Place]) -> dict[str, Variable]:
    """The variable that activates *profiles*, if there are any."""
    place = next(iter(profiles.values()), None)
    return {PROFILES: Variable(PROFILES, None, place)} if place else {}
