"""What an error can be fixed by is asked, and done only on a yes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from aiserver_tray.base.errors import (
    AiServerError,
    ImagePullError,
    JointError,
    PortConflictError,
    ResourcesError,
)
from aiserver_tray.base.errors.remedies import set_to
from aiserver_tray.base.i18n import Text
from aiserver_tray.cli.config import fix
from aiserver_tray.core.app import App

ALLOW = "app.kernel_settings"
MENDABLE = ResourcesError(
    Text("too low"), remedies=[set_to(Text("Allow"), ALLOW, "true", Text("May it?"))]
)
PORT = PortConflictError("web", "127.0.0.1", 18100, Text("node"), 18101, ALLOW)


@pytest.mark.parametrize(
    ("error", "answer", "stored", "told"),
    [
        (MENDABLE, "y\n", "true", "May it?"),
        (MENDABLE, "\n", "false", "May it?"),
        (JointError([MENDABLE, MENDABLE]), "y\n", "true", "May it?"),
        (PORT, "\n", "false", "Use port 18101"),
        (ImagePullError("web:1", [("web:1", "no such host")]), "y\n", "false", ""),
        (JointError([MENDABLE, ResourcesError(Text("no disk"))]), "y\n", "false", ""),
        (ResourcesError(Text("no disk")), "y\n", "false", ""),
    ],
)
def test_question_is_asked_only_if_the_fix_solves_everything(
    tmp_path: Path, error: AiServerError, answer: str, stored: str, told: str
) -> None:
    app = App(tmp_path / "home", ())
    with CliRunner().isolation(answer) as (_, errors, _):
        assert fix(error, app) is (stored == "true")
    assert errors is not None
    assert told in errors.getvalue().decode()
    assert app.settings.values({ALLOW: app.declared[ALLOW]})[ALLOW] == stored


@pytest.mark.parametrize("answer", ["y\n", "\n"])
def test_permissions_are_stored_only_on_a_yes(tmp_path: Path, answer: str) -> None:
    folder = tmp_path / "catalog/web"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {web: {image: 'i:1'}}\n", encoding="utf-8")
    app = App(tmp_path / "home", [tmp_path / "catalog"])
    with CliRunner().isolation(answer) as (_, _errors, _):
        error = app.target("web").untrusted
        assert error is not None
        assert fix(JointError([error, MENDABLE]), app) is (answer == "y\n")
    assert (app.settings.trusted("web") is not None) is (answer == "y\n")
