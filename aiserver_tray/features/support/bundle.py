"""The support bundle: a zip file with all that helps to find a problem, without secrets."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from aiserver_tray.base.bugs import bug_error, log_bug
from aiserver_tray.base.errors import AiServerError, SettingError
from aiserver_tray.base.masking import MASK, Masker, forms, with_texts, without_controls
from aiserver_tray.catalog.guessable import why_guessable
from aiserver_tray.core.app import App
from aiserver_tray.engine.engine import Engine
from aiserver_tray.engine.proxies import configured, passwords
from aiserver_tray.features.doctor.finding import Finding
from aiserver_tray.features.support import contents
from aiserver_tray.state.views import Snapshot

_SHORTEST = 4
"""Minimum characters of a text to replace: a shorter one would be found everywhere."""
_LOGIN = re.compile(r"(?<=://)[^/\s:@\"']*:[^/\s@\"']+(?=@)")
_HEADER = re.compile(r"(authorization[\"']?\s*[=:]\s*[\"']?)[^\"'\r\n]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:password|passwd|secret|token|api[_-]?key)[\w-]*[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"',;&]+",
    re.IGNORECASE,
)
"""What looks like a secret in a log. Its value may be none of ours: a program made it, or it was
changed since."""


class Redactor:
    """Replaces *secrets*, and the name of the folder *user_home*. *words* stay, even if one of them
    is somebody's password."""

    def __init__(self, secrets: Iterable[str], user_home: Path, words: Iterable[str] = ()) -> None:
        known = {part for secret in secrets for part in (secret, *secret.splitlines())} - {*words}
        self._masker = Masker(part for part in known if not why_guessable(part))
        guessable = [p for p in known if why_guessable(p) and len(p.strip()) >= _SHORTEST]
        self._guessable = _one_of(_whole_word(form) for part in guessable for form in forms(part))
        self._home = _one_of(map(re.escape, _spellings(str(user_home))))
        name = re.escape(user_home.name) or "(?!)"  # of a root folder: nothing
        self._name = re.compile(rf"\b(home|Users)([\\/]+){name}(?![\w.-])", re.IGNORECASE)

    def text(self, text: str) -> str:
        """*text* without secrets, the user's name, and control sequences, which may be within."""
        text = self._guessable.sub(MASK, self._masker.text(without_controls(text)))
        text = _LOGIN.sub(MASK, text)
        for pattern in (_HEADER, _BEARER, _NAMED):
            text = pattern.sub(rf"\1{MASK}", text)
        return self._name.sub(r"\1\2USER", self._home.sub("~", text))

    def data(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """*value* with the same replaced in each of its texts."""
        return with_texts(value, self.text)


def _whole_word(secret: str) -> str:
    """The pattern of a secret that may be a part of any word."""
    return rf"(?<!\w){re.escape(secret)}(?!\w)"


def _spellings(path: str) -> set[str]:
    return {path, path.replace("\\", "/"), path.replace("\\", "\\\\")} if len(path) > 1 else set()


def _one_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """Any of *patterns*, the longest first, because one may be the beginning of another. Nothing
    matches if there are none."""
    return re.compile("|".join(sorted(patterns, key=len, reverse=True)) or "(?!)")


MAX_BYTES: Final = 16 * 2**20
"""Maximum size of all files together, before they are packed."""

_README = """\
Support bundle of AI-Server Tray, {time}

Secrets, logins in addresses and the name of the user's home folder were replaced. Look at the files
before you send them: only you know what else your services may have written.

versions.json   the application, Python, its packages, and the system
engine.json     the Docker engine
settings.json   the settings; secrets are masked
state.json      modules, services and operations
activity.json   the last operations with their steps, and other activity
doctor.json     the checks of `aiserver-tray doctor`
logs/           the last lines of each service
app/            the last lines of the application's own logs
"""

_logger = logging.getLogger(__name__)


def file_name() -> str:
    """A name for a bundle of now."""
    return f"aiserver-support-{datetime.now().astimezone():%Y%m%d-%H%M%S}.zip"


def support_bundle(
    installation: App, engine: Engine, snapshot: Snapshot, checks: Callable[[], Iterable[Finding]]
) -> bytes:
    """The bundle of *installation*, whose state is *snapshot*; *checks* are those of the doctor. A
    part that can't be read is left out, with a note."""
    packed, left = io.BytesIO(), MAX_BYTES
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, content in _files(installation, engine, snapshot, checks):
            left -= len(content)
            if left < 0:
                archive.writestr("LEFT-OUT.txt", f"{name} and further files: too large\n")
                break
            archive.writestr(name, content)
    return packed.getvalue()


def _files(
    installation: App, engine: Engine, snapshot: Snapshot, checks: Callable[[], Iterable[Finding]]
) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", _README.format(time=datetime.now(UTC).isoformat("T", "seconds")).encode()
    try:
        redactor, unread = redactor_of(installation), None
    except SettingError as error:
        redactor, unread = Redactor([], Path.home()), error
    parts = {
        "versions": contents.versions,
        "engine": lambda: contents.engine(installation, engine),
        "settings": lambda: contents.settings(installation),
        "state": lambda: contents.state(snapshot),
        "activity": lambda: contents.activity(installation.settings.journal),
        "doctor": lambda: [finding.as_json("en") for finding in checks()],
    }
    for name, part in parts.items():
        content = redactor.data(_result(part))
        yield f"{name}.json", json.dumps(content, indent=1, ensure_ascii=False).encode()
    if unread:
        # What can't be read can't be replaced, and services may write their passwords.
        why = f"Logs are left out, because the secrets in them are not known.\n{unread}\n"
        yield "LOGS-LEFT-OUT.txt", redactor.text(why).encode()
        return
    logs = (*contents.app_logs(installation.settings.home), *contents.logs(engine, snapshot))
    for name, text in logs:
        yield name, contents.last_lines(redactor.text(text))


def redactor_of(installation: App) -> Redactor:
    """Replaces all that must not leave the machine.

    Raises:
        SettingError: the secrets can't be read.
    """
    declared = installation.declared
    secrets = {*installation.settings.secret_values(declared)}
    defaults = ((s, s.initial) for s in declared.values() if s.is_secret)
    secrets |= {value for setting, value in defaults if value and setting.hides(value)}
    secrets |= {*installation.secrets, *contents.keys(installation.settings.folder)}
    with suppress(SettingError):  # not valid, so no proxy came from it
        secrets |= passwords(configured())
    return Redactor(secrets, Path.home(), installation.names)


def _result(part: Any) -> Any:  # noqa: ANN401 - JSON
    try:
        return part()
    except AiServerError as error:
        return error.as_json("en")
    except Exception as bug:  # noqa: BLE001 - a bundle is needed most where something is wrong
        log_bug(_logger, "a part of the support bundle failed", bug)
        return bug_error(bug).as_json("en")
