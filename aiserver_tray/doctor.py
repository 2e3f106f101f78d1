"""What is wrong with an installation, and how to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.errors import SettingError
from aiserver_tray.i18n import Language, Text
from aiserver_tray.settings.store import Settings

Grade = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """The result of one check: all is well, worth knowing, or to be mended."""

    name: str
    grade: Grade
    text: Text

    def as_data(self, language: Language) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "grade": self.grade, "message": self.text.render(language)}


def examine(settings: Settings, catalog: Catalog) -> list[Finding]:
    """Every check's findings."""
    return [*_key(settings), *_catalog(catalog), *_files(settings)]


def _key(settings: Settings) -> Iterator[Finding]:
    """Where the key of the secrets is, and whether it can be had now."""
    try:
        record = settings.secrets.key_record
        settings.secrets.values(settings.secrets.names())
    except SettingError as error:
        yield Finding("key", "problem", error.text)
        return
    if record is None:
        yield Finding("key", "ok", Text("There are no secrets yet, and so no key."))
    elif record.store == "file":
        text = Text(
            "The key of the secrets is in the file {file}: whoever can read it can read them.",
            file=settings.secrets.key_file,
        )
        yield Finding("key", "note", text)
    else:
        text = Text("The key of the secrets is in {store}.", store=record.backend)
        yield Finding("key", "ok", text)


def _catalog(catalog: Catalog) -> Iterator[Finding]:
    for problem in catalog.problems:
        text = Text("{place}: {why}", place=problem.place, why=problem.text)
        yield Finding("catalog", "problem", text)
    if not catalog.problems:
        text = Text("The catalog has {count} modules.", count=len(catalog.modules))
        yield Finding("catalog", "ok", text)


def _files(settings: Settings) -> Iterator[Finding]:
    """Damage noticed now, and damaged files set aside earlier."""
    for notice in settings.inspect():
        yield Finding("files", "note", notice)
    for path in sorted(settings.folder.glob("*.damaged-*")):
        text = Text("{file} was damaged and set aside; delete it if you don't need it.", file=path)
        yield Finding("files", "note", text)
