"""Secrets in lines."""

from aiserver_tray.features.logs import lines as masking
from aiserver_tray.features.logs.lines import CurrentMasker, Masker

KEY = "-----BEGIN KEY-----\nc2VjcmV0IG9uZQ\nab\n-----END KEY-----"


def test_secrets_are_masked_in_the_forms_in_which_programs_write_them() -> None:
    masker = Masker(['p"ö/s', "p", KEY, ""])
    lines = [
        'password p"ö/s',
        r'{"password":"p\"ö/s"}',
        r'{"password":"p\"\u00f6/s"}',
        "http://me:p%22%C3%B6%2Fs@db/",
        "key c2VjcmV0IG9uZQ",
        "ab is no secret",
        "",
    ]
    assert masker.mask(lines) == [
        "********assword ********",
        '{"********assword":"********"}',
        '{"********assword":"********"}',
        "htt********://me:********@db/",
        "key ********",
        "ab is no secret",
        "",
    ]


def test_lines_without_a_secret_are_not_copied() -> None:
    lines = ["a", "b"]
    assert Masker(["hidden"]).mask(lines) is lines
    assert Masker([]).mask(lines) is lines


def test_a_new_secret_counts() -> None:
    secrets = ["one"]
    current = CurrentMasker(lambda: secrets, lambda: len(secrets))
    assert current().mask(["one two"]) == ["******** two"]
    secrets.append("two")
    current._checked_at -= masking._CHECK_SECONDS
    assert current().mask(["one two"]) == ["******** ********"]
