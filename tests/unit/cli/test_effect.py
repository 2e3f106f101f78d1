"""What is said of a change: what holds now, and what makes it take effect."""

from pathlib import Path

import pytest

from aiserver_tray.core.app import App
from aiserver_tray.operations.preview import modules_to_recreate
from tests.support.command_line import CommandLine


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An installation whose user asked for n8n, and, on another engine, for Dify."""
    app = App(tmp_path / "home", ())
    for engine, name in (("one", "n8n"), ("one", "gone"), ("two", "dify")):
        with app.settings.engines.update(engine) as state:
            state.desired.append(name)
    return app


def to_recreate(app: App, address: str) -> list[str]:
    return modules_to_recreate(app.catalog, app.model, app.settings.engines.asked_for, [address])


def test_change_of_a_setting_names_the_wanted_modules_to_recreate(app: App) -> None:
    """Those that have it themselves, or else the modules that require these."""
    names = {
        "app.bind": ["n8n", "dify"],
        "n8n.N8N_HOST_PORT": ["n8n"],
        "postgres.POSTGRES_HOST_PORT": ["n8n"],
        "redis.REDIS_PASSWORD": ["dify"],
        "oneapi.ONEAPI_HOST_PORT": [],  # nobody chose it
        "app.mirrors": [],
    }
    assert {address: to_recreate(app, address) for address in names} == names
    with app.settings.engines.update("two") as state:
        state.desired.append("postgres")
    assert to_recreate(app, "postgres.POSTGRES_HOST_PORT") == ["postgres"]


IN_HISTORY = (
    "A secret in an argument is stored in the history of your shell, and other users can see it in "
    "the process list. Remove it from the history. To be asked for the value instead, run: {ask}"
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("config set N8N_HOST_PORT 0028100",
         "n8n.N8N_HOST_PORT is now 28100 (takes effect with: {up})"),
        ("config unset MYSQL_HOST_PORT", "mysql.MYSQL_HOST_PORT is now 13306"),
        ("config set oneapi.ONEAPI_ROOT_PASSWORD OfMyOwn12345",
         f"oneapi.ONEAPI_ROOT_PASSWORD is now ********\n{IN_HISTORY}"),
        ("config unset MINIO_ROOT_PASSWORD",
         "minio.MINIO_ROOT_PASSWORD is generated again when it is needed"),
        ("config unset app.engine", "app.engine has no value any more"),
        ("choose n8n dify n8n", '"Start all" and `up` without a name now start: n8n, dify'),
    ],
)  # fmt: skip
def test_a_change_is_confirmed_in_a_line_beside_the_output(app: App, words: str, said: str) -> None:
    cli = CommandLine(app.settings.folder, app.settings.folder, "unix:///nowhere")
    done = cli.run(*words.split())
    advised = {
        "up": cli.advice("up n8n"),
        "ask": cli.advice("config set oneapi.ONEAPI_ROOT_PASSWORD -"),
    }
    assert (done.code, done.output, done.errors) == (0, "", said.format_map(advised) + "\n")


def test_as_json_the_answer_is_all(app: App) -> None:
    cli = CommandLine(app.settings.folder, app.settings.folder, "unix:///nowhere")
    assert cli.run("choose", "n8n", "--json").errors == ""
