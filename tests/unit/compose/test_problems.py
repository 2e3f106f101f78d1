from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from aiserver_tray.base.errors import CatalogError, Place
from aiserver_tray.base.errors.base import UnfitError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.problems import Problems, problems_of
from aiserver_tray.catalog.compose.reader import parse_documents
from aiserver_tray.catalog.setting import Setting


def _refuse(_: str) -> str:
    raise ValueError(Text("another text"))


def _unfit(_: str) -> str:
    raise UnfitError(Text("expected no such thing"))


def _refuse_list(_: list[str]) -> list[str]:
    raise ValueError(Text("another list"))


class Inner(BaseModel):
    @model_validator(mode="after")
    def _refuse(self) -> "Inner":
        raise ValueError(Text("keys that fit together"))


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = ""
    count: int = 0
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    items: list[str] = []
    either: str | dict[str, str] = ""
    code: Annotated[str, Field(pattern="^x")] = "x"
    wrong: Annotated[str, AfterValidator(_refuse)] = ""
    unfit: Annotated[str, AfterValidator(_unfit)] = ""
    wrongs: Annotated[list[str], AfterValidator(_refuse_list)] = []
    inner: Inner | None = None


def told(data: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as refused:
        Sample.model_validate(data)
    found = problems_of(
        refused.value, lambda path: Place(Path("f"), 1, ".".join(map(str, path))), ("top",)
    )
    return {problem.place.key: problem.text.render() for problem in found}


@pytest.mark.parametrize(
    ("data", "key", "text"),
    [
        ({"name": 5}, "top.name", "expected text, found 5"),
        ({"count": "x"}, "top.count", "expected a whole number, found 'x'"),
        ({"flag": None}, "top.flag", "expected true or false, found nothing"),
        ({"kind": "c"}, "top.kind", "expected one of 'a' or 'b', found 'c'"),
        ({"items": {"a": 1}}, "top.items", "expected a list, found a mapping"),
        ({"items": ["a", [1]]}, "top.items.1", "expected text, found a list"),
        ({"either": True}, "top.either", "expected text or a mapping, found true"),
        ({"code": "y"}, "top.code", "expected text that matches ^x, found 'y'"),
        ({"wrong": "w"}, "top.wrong", "expected another text, found 'w'"),
        ({"unfit": "w"}, "top.unfit", "expected no such thing"),
        ({"wrongs": ["w"]}, "top.wrongs", "expected another list"),
        ({"inner": {"a": 1}}, "top.inner", "expected keys that fit together"),
        ({"nmae": 1}, "top.nmae", "expected a key that is allowed here, found 'nmae'"),
        ({"name": ["x" * 99]}, "top.name", "expected text, found a list"),
        (
            {"count": "x" * 99},
            "top.count",
            "expected a whole number, found a text of 99 characters",
        ),
        (5, "top", "expected a mapping, found 5"),
    ],
)
def test_validation_errors_say_what_was_expected_and_found(
    data: object, key: str, text: str
) -> None:
    assert told(data) == {key: text}


@pytest.mark.parametrize(
    ("declared", "key", "text"),
    [
        (
            {"pattern": "["},
            "pattern",
            "expected a regular expression without look-around and back references, found '['",
        ),
        ({"type": "port", "default": 0}, "default", "expected a port from 1 to 65535, found '0'"),
        (
            {"type": "secret", "default": "hunter2"},
            "default",
            "expected a secret without a default, because a published value is not secret",
        ),
        (
            {"type": "choice", "default": "b"},
            "",
            "expected choices with type choice, and only with it",
        ),
    ],
)
def test_a_setting_that_does_not_fit_is_reported_at_its_key(
    declared: object, key: str, text: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Setting.model_validate(declared)

    (problem,) = problems_of(
        refused.value, lambda path: Place(Path("f"), 1, ".".join(map(str, path)))
    )
    assert (problem.place.key, problem.text.render()) == (key, text)


def test_a_missing_key_is_named() -> None:
    class Needy(BaseModel):
        name: str

    with pytest.raises(ValidationError) as refused:
        Needy.model_validate({})

    (problem,) = problems_of(refused.value, lambda path: Place(Path("f"), 1, str(path)))
    assert problem.text.render() == "expected the key name, which is missing"


def test_problems_come_by_file_and_line_and_once_for_each_place(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("x: 1\ny: 2\n")
    problems = Problems(tmp_path / "a")
    for name in ("a", "b"):
        problems.add(parse_documents(tmp_path / name)[0])
        for key in ("y", "x", "y"):
            problems.report((key,), Text("wrong"))

    with pytest.raises(CatalogError) as refused:
        problems.check()

    assert [(p.place.file.name, p.place.line) for p in refused.value.problems] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]


def test_without_problems_nothing_is_raised() -> None:
    Problems(Path("a")).check()
