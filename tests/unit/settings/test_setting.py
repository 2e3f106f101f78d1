"""What values a declared setting takes, and how it refuses the others."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.setting import PLACEHOLDER, Choice, Setting

PORT = Setting(type="port", default="18100")
BOOLEAN = Setting(type="boolean", default=True)
SIZE = Setting(type="size", default="1G")
TEXT = Setting()
SECRET = Setting(type="secret", generate="hex32")
CHOICE = Setting(
    type="choice",
    default="qdrant",
    choices={"qdrant": Choice(), "milvus": Choice(value="milvus:2")},
)
ZONE = Setting(type="timezone", default="Etc/UTC")
FOLDER = Setting(type="folder", user=1000)
EVERY = [PORT, BOOLEAN, SIZE, TEXT, SECRET, CHOICE, ZONE, FOLDER]


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (PORT, "8080", "8080"),
        (PORT, " 080\n", "80"),
        (PORT, "65535", "65535"),
        (BOOLEAN, "Yes", "true"),
        (BOOLEAN, "off", "false"),
        (SIZE, "512M", "512m"),
        (SIZE, "1.5 GiB", "1.5g"),
        (SIZE, "6291456", "6291456"),
        (SIZE, "1M", "1m"),
        (TEXT, "", ""),
        (TEXT, " 中文 $HOME ", " 中文 $HOME "),
        (SECRET, "pa ss$ wörd ", "pa ss$ wörd "),
        (SECRET, "8 signs!", "8 signs!"),
        (CHOICE, "milvus ", "milvus"),
        (CHOICE, "milvus:2", "milvus"),
        (ZONE, " America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        (FOLDER, "", ""),
        (FOLDER, f" {Path.cwd()}{os.sep} ", str(Path.cwd())),
    ],
)
def test_takes_a_value_in_its_canonical_form(setting: Setting, text: str, value: str) -> None:
    assert setting.parse("n8n.NAME", text) == value


@pytest.mark.parametrize(
    ("setting", "text", "expected"),
    [
        (PORT, "0", "a port from 1 to 65535"),
        (PORT, "65536", "a port from 1 to 65535"),
        (PORT, "-1", "a port from 1 to 65535"),
        (PORT, "٨٠", "a port from 1 to 65535"),
        (PORT, "9" * 5000, "a port from 1 to 65535"),
        (PORT, "000000001" + "0" * 5000, "a port from 1 to 65535"),
        (BOOLEAN, "maybe", "true or false, found 'maybe'"),
        (SIZE, "0", "a size such as 512m"),
        (SIZE, "0.5", "a size such as 512m or 2g, found '0.5'"),
        (SIZE, "2", "a size such as 512m or 2g, found '2'"),
        (SIZE, "2048b", "a size such as 512m"),
        (SIZE, "6291455", "a size such as 512m"),
        (SIZE, "0.0001k", "a size such as 512m"),
        (SIZE, "9" * 15 + "p", "a size such as 512m"),
        (SIZE, "2x", "a size such as 512m"),
        (SIZE, "9" * 400, "a size such as 512m"),
        (TEXT, "two\nlines", "one line of text"),
        (TEXT, "nul\0", "one line of text"),
        (TEXT, "not \udcff Unicode", "one line of text"),
        (SECRET, "", "at least 8 characters"),
        (SECRET, "1234567", "at least 8 characters"),
        (SECRET, "hunter2         ", "at least 8 characters"),
        (CHOICE, "chroma", "one of qdrant, milvus, found 'chroma'"),
        (FOLDER, "files", "the full path of a folder, found 'files'"),
        (FOLDER, "~/files", "the full path of a folder"),
        (FOLDER, str(Path.cwd() / "a:b"), "a folder without a colon"),
        (Setting(pattern="[a-z]+"), "A1", "a value that matches [a-z]+, found 'A1'"),
    ],
)
def test_wrong_value_is_refused_with_the_expected_one(
    setting: Setting, text: str, expected: str
) -> None:
    with pytest.raises(SettingError) as refused:
        setting.parse("n8n.NAME", text)
    assert refused.value.data == {"name": "n8n.NAME"}
    assert str(refused.value).startswith("n8n.NAME: expected ")
    assert expected in str(refused.value)


@pytest.mark.parametrize("text", [PLACEHOLDER + "postgres-password", MASK])
def test_placeholder_or_mask_is_refused_as_a_secret(text: str) -> None:
    with pytest.raises(SettingError, match=r"this is the (placeholder|mask)"):
        SECRET.parse("n8n.KEY", text)


@pytest.mark.parametrize(
    "text",
    [
        "postgres",
        "Password",
        "12345678",
        "minioadmin",
        " infini_rag_flow",
        "DifyAI123456",
        "lYkiYYT6owG+71oLerGzA7GXCgOT++6ovaezWAjpCjf+Sjc3ZtU+qUEi",
        "OneAPI@justsong",
    ],
)
def test_a_secret_that_everyone_knows_is_none_and_is_not_repeated(text: str) -> None:
    with pytest.raises(SettingError, match="a published default") as refused:
        SECRET.parse("n8n.KEY", text)
    assert text not in str(refused.value)


@pytest.mark.parametrize("text", ["hunter2\nhunter2", "hunter2-\x7f", "hunter2-hunter2", "hunter2"])
def test_a_refused_secret_is_never_repeated(text: str) -> None:
    setting = Setting(type="secret", pattern="[0-9]{64}")
    with pytest.raises(SettingError) as refused:
        setting.parse("n8n.KEY", text)
    assert "hunter2" not in str(refused.value) + repr(refused.value) + repr(refused.value.data)


@given(setting=st.sampled_from(EVERY), text=st.text(max_size=40))
def test_any_text_is_a_value_or_a_setting_error(setting: Setting, text: str) -> None:
    try:
        value = setting.parse("n8n.NAME", text)
    except SettingError:
        return
    assert setting.parse("n8n.NAME", value) == value
    assert "\n" not in value


@pytest.mark.parametrize(
    ("setting", "initial"),
    [
        (PORT, "18100"),
        (BOOLEAN, "true"),
        (SIZE, "1g"),
        (TEXT, None),
        (SECRET, None),
        (CHOICE, "qdrant"),
        (Setting(default="two\nlines"), "two\nlines"),
        (Setting.model_validate({"type": "port", "default": 8080}), "8080"),
    ],
)
def test_the_initial_value_is_the_default_as_text(setting: Setting, initial: str | None) -> None:
    assert setting.initial == initial


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"type": "choice"}, "choices"),
        ({"type": "text", "choices": {"a": {}}}, "choices"),
        ({"type": "text", "generate": "hex32"}, "only with type secret"),
        ({"type": "port", "keep": True}, "only with type secret"),
        ({"type": "secret", "default": "postgres"}, "a secret without a default"),
        ({"type": "port", "default": 70000}, "a port from 1 to 65535"),
        ({"type": "choice", "default": "b", "choices": {"a": {}}}, "one of a, found 'b'"),
        ({"pattern": "["}, "a regular expression"),
        ({"pattern": "a)|(b"}, "a regular expression"),
        ({"pattern": "(?=a)a"}, "a regular expression"),
        ({"pattern": r"(a)\1"}, "a regular expression"),
        ({"pattern": r"(\w{1000}){1000}"}, "a regular expression"),
        ({"pattern": "[a-z]+", "default": "A"}, "that matches"),
        ({"typo": 1}, "Extra inputs"),
    ],
)
def test_an_inconsistent_declaration_is_refused(declared: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected.replace("[", r"\[")):
        Setting.model_validate(declared)


@pytest.mark.parametrize("text", ["a" * 100_000, "a" * 100_000 + "\n", "xaab", "aabx"])
def test_a_pattern_is_for_the_whole_text_and_takes_linear_time(text: str) -> None:
    setting = Setting(pattern="(a+)+b")
    assert setting.parse("n8n.NAME", "aab") == "aab"
    with pytest.raises(SettingError):
        setting.parse("n8n.NAME", text)
