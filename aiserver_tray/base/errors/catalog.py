"""Errors of the catalog and the settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiserver_tray.base.errors.base import AiServerError
from aiserver_tray.base.errors.remedies import Remedy, trust
from aiserver_tray.base.i18n import Language, Text
from aiserver_tray.base.masking import hide


@dataclass(frozen=True)
class Place:
    """A place in the catalog. ``key`` is dotted (``services.n8n.ports.0``)."""

    file: Path
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.key}" if self.key else where


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a catalog file."""

    place: Place
    text: Text

    def render(self, language: Language = "en") -> str:
        """Place and message in one line."""
        return f"{self.place}: {self.text.render(language)}"

    def as_data(self, language: Language) -> dict[str, Any]:
        file, line, key = str(self.place.file), self.place.line, self.place.key
        return {"file": file, "line": line, "key": key, "message": self.text.render(language)}


class CatalogError(AiServerError):
    """A catalog file is wrong; carries every problem found, in file order."""

    code = "E_CATALOG"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems[0].text)

    def data_in(self, language: Language) -> dict[str, Any]:
        problems = [problem.as_data(language) for problem in self.problems]
        return {**super().data_in(language), "problems": problems}

    def hide(self, secrets: Sequence[str]) -> None:
        super().hide(secrets)
        self.problems = tuple(
            # A key may contain a value: `networks: ["${NAME}"]` becomes a mapping.
            Problem(replace(p.place, key=hide(p.place.key, secrets)), hide(p.text, secrets))
            for p in self.problems
        )

    @classmethod
    def at(cls, place: Place, text: Text) -> "CatalogError":
        return cls([Problem(place, text)])

    def render(self, language: Language = "en") -> str:
        return "\n".join(problem.render(language) for problem in self.problems)


class SettingError(AiServerError):
    """A setting or secret can't be read, set or stored. ``data['name']`` names it."""

    code = "E_SETTING"

    def __init__(self, name: str, why: Text, remedies: Sequence[Remedy] = ()) -> None:
        text = Text("{name}: {why}", name=name, why=why)
        super().__init__(text, name=name, remedies=remedies)
        self.why = why


class UnknownNameError(AiServerError):
    """No module or service of this name."""

    code = "E_UNKNOWN"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = _near(name, known)
        text = Text("There is no {name!r}. Available: {known}.", name=name, known=", ".join(known))
        if near:
            listed = ", ".join(near)
            text = Text("There is no {name!r}. Did you mean {near}?", name=name, near=listed)
        super().__init__(text, name=name, near=near)


def mistyped(names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Those of *names* that are unknown but similar to a *known* one: probably mistyped."""
    return [name for name in names if name not in known and _near(name, known)]


def refuse_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UnknownNameError` for the first of *names* that is not *known*."""
    there = list(dict.fromkeys(known))
    for name in names:
        if name not in there:
            raise UnknownNameError(name, there)


class UnknownSettingError(UnknownNameError):
    """No setting has this name. The message names only similar ones, because there are too many."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = _near(name, known)
        text = Text(
            "There is no setting {name!r}. All settings: aiserver-tray config list", name=name
        )
        if near:
            text = Text(
                "There is no setting {name!r}. Did you mean {near}? All settings: "
                "aiserver-tray config list",
                name=name,
                near=", ".join(near),
            )
        AiServerError.__init__(self, text, name=name, near=near)


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Those of *known* that are most similar to *name*, ignoring case."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow, and everybody loads this

    by_spelling = {one.lower(): one for one in known}
    return [by_spelling[near] for near in get_close_matches(name.lower(), by_spelling, n=3)]


class UnlistedError(UnknownNameError):
    """A chosen module that no catalog folder contains any more."""

    def __init__(self, name: str) -> None:
        text = Text(
            "The chosen module {name!r} was not found in any catalog folder. Add its folder with "
            "--catalog, or choose other modules: aiserver-tray choose MODULE…",
            name=name,
        )
        AiServerError.__init__(self, text, name=name, near=[])


class CycleError(AiServerError):
    """Modules that require each other in a circle."""

    code = "E_DEP_CYCLE"

    def __init__(self, path: Sequence[str]) -> None:
        text = Text(
            "These modules require each other in a cycle: {path}. Remove one of these "
            "requirements.",
            path=" → ".join(path),
        )
        super().__init__(text, path=list(path))


class MissingError(AiServerError):
    """A module requires another module that no catalog folder contains."""

    code = "E_DEP_MISSING"

    def __init__(self, module: str, missing: str) -> None:
        text = Text(
            "{module} requires {missing}, but no catalog folder contains it. Add its folder "
            "with --catalog, or remove it from requires.",
            module=module,
            missing=missing,
        )
        super().__init__(text, module=module, missing=missing)


class TrustError(AiServerError):
    """A module that is not built in may not start before the user allows it, with all that it asks
    for. *consent* is a `ConsentJson` with texts in place of strings; *command* allows it with
    ``--trust``."""

    code = "E_TRUST"

    def __init__(self, consent: Mapping[str, Any], command: str = "up {module}") -> None:
        self._consent = consent
        module = consent["module"]
        text = Text(
            "{module} does not come with AI-Server Tray, so it starts only after you allow it.\n"
            "What it does:{does}\n{beyond}\n"
            "If you trust who wrote it, allow this: aiserver-tray {command} --trust {module}",
            module=module,
            command=command.format(module=module),
            does=_listed([deed["text"] for deed in consent["does"]]),
            beyond=_beyond(consent["permissions"]),
        )
        super().__init__(text, module=module, remedies=[trust(consent)])

    def within(self, command: str) -> "TrustError":
        """The same error, which advises *command*."""
        return TrustError(self._consent, command)


def _beyond(permissions: Sequence[Mapping[str, Any]]) -> Text:
    if not permissions:
        return Text("It stays within its own containers.")
    texts = [
        Text("can {what} (new)", what=one["text"])
        if one["isNew"]
        else Text("can {what}", what=one["text"])
        for one in permissions
    ]
    return Text("What goes beyond its own containers:{listed}", listed=_listed(texts))


def _listed(texts: Sequence[Text]) -> Text:
    """One line for each of *texts*. A module decides how many there are, so these are halved: one
    text within the other would be deeper than Python goes."""
    if len(texts) <= 1:
        return Text("\n- {text}", text=texts[0]) if texts else Text("")
    half = len(texts) // 2
    return Text("{before}{after}", before=_listed(texts[:half]), after=_listed(texts[half:]))
