"""One module of the catalog, as its Compose file declares it, before any value is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.files import read_documents
from aiserver_tray.catalog.compose.problems import problems_of
from aiserver_tray.catalog.compose.reader import Document
from aiserver_tray.catalog.compose.variables import Variable, find_variables
from aiserver_tray.catalog.extension import Kind, ModuleExtension, Needs, ServiceExtension
from aiserver_tray.catalog.setting import LocalText, Setting
from aiserver_tray.errors import CatalogError, Place, Problem
from aiserver_tray.i18n import Text

EXTENSION = "x-aiserver"

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Module:
    """A folder of the catalog, or a single Compose file (``source``; ``file`` is the main file).

    ``declared``: the file has an x-aiserver. A plain Compose file has not, and each of its
    variables is a text setting. ``defaults`` are the values that hold while nothing is set; a
    plain file's are those of the ``.env`` beside it, since what stands after ``:-`` in the file
    must stay distinguishable from a value that is set (``${A:+…}``).
    """

    name: str
    source: Path
    file: Path
    kind: Kind
    title: LocalText
    summary: LocalText
    requires: tuple[str, ...]
    open: str | None
    needs: Needs
    settings: Mapping[str, Setting]
    variables: Mapping[str, Variable]
    services: Mapping[str, ServiceExtension]
    declared: bool
    defaults: Mapping[str, str]
    document: Document

    @property
    def folder(self) -> Path:
        """Where the file and what belongs to it stand."""
        return self.file.parent

    @property
    def possible_requires(self) -> tuple[str, ...]:
        """What it requires under any answer to its choices."""
        return _possible_requires(self.requires, self.settings)

    def requires_with(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """What it requires under the choices in *values* (by bare name)."""
        chosen = (name for choice in self._chosen(values) for name in choice.requires)
        return tuple(dict.fromkeys((*self.requires, *chosen)))

    def profiles_with(self, values: Mapping[str, str]) -> frozenset[str]:
        """The profiles that the choices in *values* (by bare name) activate."""
        return frozenset(profile for choice in self._chosen(values) for profile in choice.profiles)

    def waited_for(self, service: str, requires: Sequence[str]) -> tuple[str, ...]:
        """Those of the *requires* of the module that have to be ready before *service* starts."""
        extension = self.services.get(service)
        if extension is None or extension.requires is None:
            return tuple(requires)
        return tuple(name for name in requires if name in extension.requires)

    @property
    def tokens(self) -> dict[str, str]:
        """The settings that are access tokens, by bare name, and of which module."""
        return {
            name: setting.token_of for name, setting in self.settings.items() if setting.token_of
        }

    @property
    def stated_jobs(self) -> frozenset[str]:
        """The services that the file says to be jobs; others are by what waits for them."""
        return frozenset(name for name, extension in self.services.items() if extension.job)

    def _chosen(self, values: Mapping[str, str]) -> list[Any]:
        return [
            setting.choices[values[name]]
            for name, setting in self.settings.items()
            if setting.choices and values.get(name) in setting.choices
        ]

    def place(self, *path: str) -> Place:
        """Where *path* (``"services", "web"``) stands in the main file."""
        return self.document.place(path)


def load_module(name: str, source: Path) -> Module:
    """The module *name* of the folder or Compose file *source*.

    Raises:
        CatalogError: with every problem of the file's declarations.
    """
    document = _main_document(source)
    file = document.file
    problems: list[Problem] = []
    extension = _extension(document, problems)
    services = _service_extensions(document, problems)
    if extension:
        problems += _stray_requires(document, extension, services)
    if problems or extension is None:
        raise CatalogError(problems)
    variables = find_variables(source)
    declared = EXTENSION in document.tree
    dotenv = {} if declared else _dotenv(file)
    settings = extension.settings if declared else _plain_settings(variables, dotenv)
    return Module(
        name=name,
        source=source,
        file=file,
        kind=extension.kind,
        title=extension.title or {"en": name, "zh": name},
        summary=extension.summary,
        requires=extension.requires,
        open=extension.open,
        needs=extension.needs,
        settings=settings,
        variables=variables,
        services=services,
        declared=declared,
        defaults=_declared_defaults(settings) if declared else dotenv,
        document=document,
    )


def _possible_requires(requires: Sequence[str], settings: Mapping[str, Setting]) -> tuple[str, ...]:
    choices = (choice for setting in settings.values() for choice in setting.choices.values())
    return tuple(dict.fromkeys((*requires, *(name for c in choices for name in c.requires))))


def _stray_requires(
    document: Document, module: ModuleExtension, services: Mapping[str, ServiceExtension]
) -> list[Problem]:
    """What *services* are said to wait for, and the module does not require."""
    known = _possible_requires(module.requires, module.settings)
    return [
        Problem(
            document.place(("services", service, EXTENSION, "requires", index)),
            Text(
                "expected one of those that the module requires ({known}), found {found!r}",
                known=", ".join(known),
                found=name,
            ),
        )
        for service, extension in services.items()
        for index, name in enumerate(extension.requires or ())
        if name not in known
    ]


def _main_document(source: Path) -> Document:
    documents = read_documents(source)
    for document in documents:
        if EXTENSION in document.tree:
            return document
    return documents[0]


def _extension(document: Document, problems: list[Problem]) -> ModuleExtension | None:
    raw = document.tree.get(EXTENSION, {"kind": "feature"})
    return _validated(ModuleExtension, raw, document, (EXTENSION,), problems)


def _service_extensions(document: Document, problems: list[Problem]) -> dict[str, ServiceExtension]:
    services = document.tree.get("services")
    found: dict[str, ServiceExtension] = {}
    for name, service in services.items() if isinstance(services, dict) else ():
        if isinstance(service, dict) and EXTENSION in service:
            path = ("services", name, EXTENSION)
            extension = _validated(ServiceExtension, service[EXTENSION], document, path, problems)
            if extension is not None:
                found[name] = extension
    return found


def _validated(
    model: type[_Model],
    raw: Any,  # noqa: ANN401 - whatever stands in the file
    document: Document,
    path: tuple[str | int, ...],
    problems: list[Problem],
) -> _Model | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems.extend(problems_of(error, document.place, path))
        return None


def _dotenv(file: Path) -> dict[str, str]:
    path = file.parent / ".env"
    return read_env_file(path) if path.is_file() else {}


def _plain_settings(
    variables: Mapping[str, Variable], dotenv: Mapping[str, str]
) -> dict[str, Setting]:
    return {
        name: Setting(type="text", default=dotenv.get(name, variable.default))
        for name, variable in variables.items()
    }


def _declared_defaults(settings: Mapping[str, Setting]) -> dict[str, str]:
    return {
        name: setting.initial for name, setting in settings.items() if setting.initial is not None
    }
