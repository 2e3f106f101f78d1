"""What errors say, and what they never say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aiserver_tray.base.errors import (
    AiServerError,
    CancelledError,
    CatalogError,
    EngineRequestError,
    ExitedError,
    ImagePullError,
    JobFailedError,
    JointError,
    Place,
)
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import MASK
from tests.unit.pages import sections

SECRET = "correct horse battery"


def tree(root: type[AiServerError]) -> Iterator[type[AiServerError]]:
    yield root
    for below in root.__subclasses__():
        yield from tree(below)


def test_the_page_has_every_code_with_what_it_means_and_what_to_do() -> None:
    rows = sections("docs/errors.md")["Error codes"]
    codes = {error.code for error in tree(AiServerError)}
    assert [row[0] for row in rows] == [f"`{code}`" for code in sorted(codes)]
    assert all(len(row) == 3 and all(row) for row in rows)


def everything_of(error: AiServerError) -> str:
    return f"{error} {error.render('zh')} {error!r} {error.data} {error.args} {error.__cause__}"


def test_a_secret_that_is_quoted_can_be_taken_out_of_every_error() -> None:
    place = Place(Path("compose.yaml"), 3, f"services.{SECRET}")
    exited = ExitedError("web/web", 1, SECRET, [f"password {SECRET} refused", "end"])
    exited.__cause__ = EngineRequestError(500, SECRET)
    errors = [exited, CatalogError.at(place, Text("found {found!r}", found=SECRET))]
    joint = JointError(errors)
    joint.hide([SECRET, SECRET[:4]])
    for error in (joint, *errors):
        assert SECRET not in everything_of(error)
        assert MASK in everything_of(error)
    assert exited.data["lines"] == [f"password {MASK} refused", "end"]
    assert exited.data["exitCode"] == 1


def test_lines_that_are_json_are_quoted_as_people_read_them() -> None:
    said = {
        r'{"level":"error","ts":1,"msg":"lost\n  it","x":{}}': "lost ↵ it",
        '{"event":"tried","db":{"host":"a","time":2,"all":[1]}}': "tried db.host=a db.all=[1]",
        r'{"message":"half \ud83d","why":"a b","ok":null}': 'half ? why="a b" ok=null',
        '{"level":"error"}': '{"level":"error"}',
        '{"msg":': '{"msg":',
    }
    error = JobFailedError("web/job", 1, [*said])
    assert error.data["lines"] == [*said.values()]
    assert "".join(f"\n  {line}" for line in said.values()) in str(error)


def test_several_errors_have_the_code_of_the_first_and_the_texts_of_all() -> None:
    joint = JointError([ExitedError("a/a", 1, "", ()), EngineRequestError(500, "no")])
    assert joint.code == "E_EXITED"
    assert "a/a exited with code 1" in str(joint)
    assert [error["code"] for error in joint.data["errors"]] == ["E_EXITED", "E_RUNTIME"]
    more = EngineRequestError(500, "more")
    assert JointError([joint, more]).errors == (*joint.errors, more), "beside each other"


def test_json_is_in_the_readers_language_too() -> None:
    why = Text("its container was removed")
    place = Place(Path("compose.yaml"), 3, "services")
    errors = [ImagePullError("web:1", [("web:1", why)]), CatalogError.at(place, why)]
    data = JointError(errors).data_in("zh")
    pull, catalog = (error["data"] for error in data["errors"])
    assert pull["tried"] == [{"source": "web:1", "why": why.render("zh")}]
    assert catalog["problems"][0]["message"] == why.render("zh") != why.render("en")


@pytest.mark.parametrize("kind", ["up", "restart"])
def test_cancelled_start_names_the_command_that_removes_its_modules(kind: str) -> None:
    error = CancelledError(kind, ("n8n", "dify"))
    for told in (error.render("en"), error.render("zh")):
        assert "`aiserver-tray down n8n dify`" in told
    assert "Run the same command again" in str(error)
    assert "including containers that were already running" in str(error)
    assert error.data == {"kind": kind, "modules": ["n8n", "dify"]}


@pytest.mark.parametrize(
    ("kind", "modules"),
    [
        ("stop", ["n8n"]),
        ("down", ["n8n"]),
        ("pull", ["n8n"]),
        ("build", ["n8n"]),
        ("up", []),
        (None, []),
    ],
)
def test_no_cancelled_operation_offers_to_take_away_everything(
    kind: str | None, modules: list[str]
) -> None:
    error = CancelledError(kind, modules)
    for told in (error.render("en"), error.render("zh")):
        assert "aiserver-tray down" not in told
    assert ("the same command again" in str(error).lower()) is (kind is not None)
