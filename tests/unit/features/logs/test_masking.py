"""Secrets in what services write, in all that shows it."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from math import inf
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from aiserver_tray.base.masking import MASK, Masker, without_controls
from aiserver_tray.engine.values import LogLine
from aiserver_tray.features.alerts import webhook
from aiserver_tray.features.alerts.alerts import News
from aiserver_tray.features.alerts.kinds import MatchingLine
from aiserver_tray.features.logs import lines as masking
from aiserver_tray.features.logs.export import ENCODERS
from aiserver_tray.features.logs.line import Line
from aiserver_tray.features.logs.lines import ContainerLines, CurrentMasker, Position
from aiserver_tray.features.logs.query import LogFilter
from aiserver_tray.features.logs.store.reader import LogReader
from aiserver_tray.features.logs.store.store import LogStore
from aiserver_tray.features.logs.writer import LogWriter
from aiserver_tray.features.support.bundle import Redactor
from tests.support.made import container
from tests.unit.features.alerts.course import Course

ONE, OTHER = 'My "1st" p+ss/wörd?(!)', "Än0ther, that's <s3cret>/+?"
KEY = "-----BEGIN KEY-----\nc2VjcmV0IG9uZQ\nab\n-----END KEY-----"


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def coloured(text: str, colour: str = "\x1b[1;31m") -> str:
    return f"{text[:5]}{colour}{text[5:]}"


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False),
    "an address": lambda secret: quote(secret, safe=""),
    "a path": quote,
    "JavaScript's address": lambda secret: quote(secret, safe="!'()*"),
    "a form": quote_plus,
    "Base64": base64,
    "Base64 of an address": lambda secret: urlsafe_b64encode(secret.encode()).decode(),
    "Base64 behind one byte": lambda secret: base64(f":{secret}"),
    "Base64 behind two bytes": lambda secret: base64(f"u:{secret}"),
    "Base64 behind and before others": lambda secret: base64(f"me:{secret}\n"),
    "a colour within": coloured,
    "the colours of grep within": lambda secret: coloured(secret, "\x1b[01;31m\x1b[K"),
    "a colour within, in JSON": lambda secret: json.dumps(coloured(secret)),
    "a colour within, of Python": lambda secret: coloured(secret, r"\x1b[31m"),
    "a colour within Base64": lambda secret: coloured(base64(f"u:{secret}")),
}


def kept(store: LogStore, secret: str, text: str) -> Line:
    """The line that is kept of *text*."""
    writer = LogWriter(store, lambda _problem: None)
    writer.start()
    lines = ContainerLines(container(), Position(), lambda: Masker([secret]), writer)
    lines.put([LogLine("stderr", 10, text)])
    writer.close(30)
    return LogReader(store.path, inf).older(LogFilter()).lines[0].line


def shown(store: LogStore, secret: str, text: str) -> dict[str, str]:
    """How each part shows the line *text* of a service."""
    line = kept(store, secret, text)
    course = Course(MatchingLine(id="own"))
    course.at(10, lines=[("web/app", "error", line.text)])
    return {
        "kept": line.text,
        "alert": str(course.at(20)),
        "webhook": str(webhook.message(News("raised", course.alerts[0]), "en")["text"]),
        "bundle": Redactor([secret], Path("/home/alice")).text(text),
        **{form: encode([line]).decode() for form, encode in ENCODERS.items()},
    }


@pytest.mark.parametrize("form", FORMS)
def test_nothing_that_is_shown_depends_on_the_secret(store: LogStore, form: str) -> None:
    found = [shown(store, each, f"Basic {FORMS[form](each)} end") for each in (ONE, OTHER)]
    assert found[0] == found[1]
    for where, text in found[0].items():
        assert MASK in text, where
        assert "end" in text, where


@pytest.mark.parametrize("form", FORMS)
def test_a_search_for_a_secret_finds_no_line(store: LogStore, form: str) -> None:
    text = FORMS[form](ONE)
    kept(store, ONE, text)
    for wanted in (text, without_controls(text), ONE):
        assert LogReader(store.path, inf).older(LogFilter(text=wanted)).lines == []


def test_only_secrets_are_masked_also_new_ones() -> None:
    masker = Masker(['p"ö/s', "p", KEY, ""])
    masked = {
        'password p"ö/s': "********assword ********",
        "http://me:p%22%C3%B6%2Fs@db/": "htt********://me:********@db/",
        "key c2VjcmV0IG9uZQ": "key ********",
        "ab is no secret": "ab is no secret",
        "\x1b[31mred\x1b[0m": "\x1b[31mred\x1b[0m",
        "": "",
    }
    assert masker.lines([*masked]) == [*masked.values()]
    lines = ["a", "\x1b[31mb"]
    assert Masker(["hidden"]).lines(lines) is lines
    assert Masker([]).lines(lines) is lines
    secrets = ["one"]
    current = CurrentMasker(lambda: secrets, lambda: len(secrets))
    assert current().lines(["one two"]) == ["******** two"]
    secrets.append("two")
    current._checked_at -= masking._CHECK_SECONDS
    assert current().lines(["one two"]) == ["******** ********"]
