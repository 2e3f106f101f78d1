"""``catalog check``: all problems of modules at once, each with its place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiserver_tray.base.errors import AiServerError, CatalogError, Place, Problem
from aiserver_tray.base.i18n import Language, Plural, Text, rendered
from aiserver_tray.base.strings import image_tag
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.variables import local_documents
from aiserver_tray.catalog.consent import Consent, consent_to
from aiserver_tray.catalog.extension import EXTENSION
from aiserver_tray.catalog.folders import ignored_folders
from aiserver_tray.catalog.module_rules import (
    ENV_EXAMPLE,
    env_example_names,
    leaving_problems,
    rule_notes,
    services_under_rules,
    whole_project,
)
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import (
    COMPOSE_VARIABLES,
    ResolvedModule,
    config_environment,
    environment,
    resolve_with,
    secrets_in,
    startable,
)
from aiserver_tray.catalog.setting import PLACEHOLDER
from aiserver_tray.catalog.shared_names import duplicate_name_problems, shared_names
from aiserver_tray.catalog.unset import unset_notes
from aiserver_tray.catalog.unsupported import unsupported

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project


@dataclass(frozen=True)
class Report:
    """Problems, notes, and what must be agreed to for each module."""

    checked: Sequence[str]
    problems: Sequence[Problem]
    notes: Sequence[Problem]
    consents: Mapping[str, Consent] = field(default_factory=dict)
    """By module that is not built in."""

    def lines(self, language: Language) -> list[str]:
        """One line for each finding, and a last one that counts them."""
        return [
            *(problem.render(language) for problem in self.problems),
            *(text.render(language) for text in self._other_lines()),
        ]

    def _other_lines(self) -> Iterator[Text]:
        for note in self.notes:
            yield Text("{place}: note: {note}", place=note.place, note=note.text)
        for name, consent in self.consents.items():
            for one in consent.asks:
                yield Text("{module} needs your permission to: {text}", module=name, text=one.text)
        checked = len(self.checked)
        yield Text(
            "{modules}, {problems}, {notes}",
            modules=Plural("{count} module checked", "{count} modules checked", count=checked),
            problems=Plural("{count} problem", "{count} problems", count=len(self.problems)),
            notes=Plural("{count} note", "{count} notes", count=len(self.notes)),
        )

    def as_data(self, language: Language) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "modules": list(self.checked),
            "problems": [problem.as_data(language) for problem in self.problems],
            "notes": [note.as_data(language) for note in self.notes],
            "permissions": {
                name: rendered(consent.as_data()["permissions"], language)
                for name, consent in self.consents.items()
                if consent.asks
            },
            "consents": {
                name: rendered(consent.as_data(), language)
                for name, consent in self.consents.items()
            },
        }


_NONE: Mapping[str, str] = {}


def check(
    catalog: Catalog,
    folder: Path | None,
    values: Mapping[str, str] = _NONE,
    bind: str = "127.0.0.1",
) -> Report:
    """Check the modules below *folder*, or all. *values* are the settings' values of plain files,
    by address: such a file may require some. Ports without an address are published on *bind*."""
    modules = [m for m in catalog.modules.values() if _below(m.folder, folder)]
    problems = [p for p in catalog.problems if _below(p.place.file, folder)]
    notes: list[Problem] = []
    asked: dict[str, Consent] = {}
    loaded: list[_Loaded] = []
    for module in catalog.modules.values():
        found, result = _load(catalog, module, values)
        if result:
            loaded.append(result)
        if module in modules:
            problems += found + _env_example_problems(catalog, module)
            problems += leaving_problems(catalog, module) if result and module.declared else ()
            notes += _notes(module, result.whole) if result else []
            if result and (consent := consent_to(catalog, result.resolved, bind)):
                asked[module.name] = consent
            notes += _unset(catalog, module, values, found)
    resolved = (one.resolved for one in loaded)
    shared = duplicate_name_problems((r.module, shared_names(r.project)) for r in resolved)
    problems += [p for p in shared if _below(p.place.file, folder)]
    notes += [n for n in _rule_notes(catalog, loaded) if _below(n.place.file, folder)]
    wrong = (problem.place.file.parent for problem in catalog.problems)
    folders = (*(m.folder for m in catalog.modules.values()), *wrong)
    notes += ignored_folders((f for f in catalog.empty if _below(f, folder)), folders)
    names = {m.name for m in modules} | {p.place.file.parent.name for p in problems}
    return Report(sorted(names), problems, notes, asked)


def _below(path: Path, folder: Path | None) -> bool:
    return folder is None or path.is_relative_to(folder)


@dataclass(frozen=True)
class _Loaded:
    """A module without problems. ``whole`` has all services that some choice activates; a plain
    file has no choices."""

    resolved: ResolvedModule
    whole: "Project"


def _load(
    catalog: Catalog, module: Module, values: Mapping[str, str]
) -> tuple[list[Problem], _Loaded | None]:
    """Requires, variables and the whole model."""
    try:
        catalog.ordered([module.name])
        env = _variables(catalog, module, values)
        secrets = secrets_in(catalog, module, env)
        resolved = startable(catalog, resolve_with(module, env, secrets))
        whole = whole_project(catalog, module) if module.declared else resolved.project
        return [], _Loaded(resolved, whole)
    except CatalogError as error:
        return list(error.problems), None
    except AiServerError as error:
        return [Problem(module.place(EXTENSION, "requires"), error.text)], None


def _unset(
    catalog: Catalog, module: Module, values: Mapping[str, str], problems: Sequence[Problem]
) -> list[Problem]:
    """Settings without a value, even if the file has other *problems*."""
    try:
        return unset_notes(module, _variables(catalog, module, values), problems)
    except AiServerError:  # one of *problems*
        return []


def _variables(catalog: Catalog, module: Module, values: Mapping[str, str]) -> dict[str, str]:
    """Under the declared defaults; of a plain file, under *values*."""
    if module.declared:
        return config_environment(catalog, module, None)
    return environment(catalog, module, values)


def _rule_notes(catalog: Catalog, loaded: Sequence[_Loaded]) -> list[Problem]:
    """Deviations from the rules for modules with an x-aiserver."""
    modules = [(one.resolved.module, one.whole) for one in loaded if one.resolved.module.declared]
    services = (s for m, whole in modules for s in services_under_rules(catalog, m, whole))
    return rule_notes(catalog, services)


def _env_example_problems(catalog: Catalog, module: Module) -> list[Problem]:
    """``env.example`` lists every name that the file uses, with secrets as placeholders."""
    path = module.folder / ENV_EXAMPLE
    if not module.declared or not path.exists():
        return []
    try:
        given = read_env_file(path)
        scope = catalog.scope(module)
    except AiServerError as error:
        return [Problem(Place(path), error.text)]
    problems = [
        Problem(Place(path, None, name), Text("this name is missing, and the Compose file uses it"))
        for name in env_example_names(catalog, module)
        if name not in given
    ]
    for name, value in given.items():
        if name in COMPOSE_VARIABLES:  # such as the profiles of a choice's default
            continue
        if name not in scope:
            text = Text("expected only settings of this module and of the modules that it requires")
            problems.append(Problem(Place(path, None, name), text))
        elif catalog.declared[scope[name]].is_secret and value != f"{PLACEHOLDER}{name}":
            text = Text("expected the placeholder {value}", value=f"{PLACEHOLDER}{name}")
            problems.append(Problem(Place(path, None, name), text))
    return problems


def _notes(module: Module, project: "Project") -> list[Problem]:
    notes = [*unsupported(module, project), *_ignored_extensions(module)]
    for section in ("networks", "volumes"):
        for name, resource in getattr(project, section).items():
            if resource.name != f"{project.name}_{name}" and not resource.external:
                text = Text("name is ignored; the name is derived from the module")
                notes.append(Problem(module.place(section, name, "name"), text))
    for name, service in project.services.items():
        if service.container_name:
            text = Text("container_name is ignored; container names are derived from the module")
            notes.append(Problem(module.place("services", name, "container_name"), text))
        if not _is_pinned(service.image):
            text = Text(
                "{image} is not pinned to a version tag, so it can change without notice",
                image=service.image,
            )
            notes.append(Problem(module.place("services", name, "image"), text))
    return notes


def _is_pinned(image: str) -> bool:
    """Whether *image* has a digest or a tag with a number, or is only built."""
    tag = image_tag(image) or ""
    return not image or "@" in image or any(letter.isdigit() for letter in tag)


def _ignored_extensions(module: Module) -> list[Problem]:
    """The x-aiserver of files that *module* extends or includes: it has no effect."""
    own = {document.file for document in module.documents}
    file = module.file
    text = Text("this has no effect for {file}, which extends or includes this file", file=file)
    return [
        Problem(document.place((EXTENSION,)), text)
        for document in local_documents(module.source)
        if document.file not in own and EXTENSION in document.tree
    ]
