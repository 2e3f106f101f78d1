"""What is told about a healthy and about a broken installation."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from aiserver_tray.base.errors import ResourcesError
from aiserver_tray.base.errors.remedies import set_to
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.catalog import Catalog, load_catalog
from aiserver_tray.core.app import App
from aiserver_tray.engine.values import EngineMachine
from aiserver_tray.features.doctor import channels
from aiserver_tray.features.doctor import engine as doctor_engine
from aiserver_tray.features.doctor.channels import examine as examine_all
from aiserver_tray.features.doctor.finding import Finding
from aiserver_tray.features.doctor.finding import problems as found_problems
from aiserver_tray.features.doctor.installation import examine_installation as examine
from aiserver_tray.operations.preflight.kernel import KernelReport
from aiserver_tray.operations.preflight.preflight import Report
from aiserver_tray.settings.app_declared import APP_SETTINGS
from aiserver_tray.settings.secrets import SecretsData
from aiserver_tray.settings.store import Settings
from aiserver_tray.spec.model import ModuleTarget
from aiserver_tray.system import autostart, tray_place
from aiserver_tray.system.paths import Home
from tests.support.systems import on_linux

MODULE = """\
x-aiserver:
  kind: feature
  title: My own
  settings:
    PORT: {type: port, default: 1}
    NOTE: {}
    KEY: {type: secret, generate: hex32}
    TOKEN: {type: secret, generate: hex32}
services: {main: {image: 'i:1'}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", "home")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    folder = tmp_path / "catalog/mine"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text(MODULE, encoding="utf-8")
    return load_catalog([tmp_path / "catalog"])


@pytest.fixture
def used(home: Home, catalog: Catalog) -> Home:
    """A home with every file in it."""
    settings = Settings(home)
    settings.values(catalog.declared)
    settings.change(catalog.declared, {"mine.PORT": "8080"})
    assert settings.installation_id
    with settings.engines.update("engine") as state:
        state.desired.append("mine")
    return home


def problems(home: Home, catalog: Catalog) -> list[str]:
    findings = examine(Settings(home), catalog)
    return [f"{f.name}: {f.text}" for f in findings if f.grade == "problem"]


def change_settings(home: Home, **values: str) -> None:
    """Write values of settings as a user does: ``app_language`` is ``app.language``."""
    path = home.folder / "settings.json"
    raw = json.loads(path.read_bytes())
    raw["values"].update({name.replace("_", "."): value for name, value in values.items()})
    path.write_text(json.dumps(raw), encoding="utf-8")


def test_an_installation_that_is_not_there_is_not_made(home: Home, catalog: Catalog) -> None:
    findings = examine(Settings(home), catalog)
    grades = [(f.name, f.grade) for f in findings]
    assert grades == [("key", "fact"), ("catalog", "ok"), ("settings", "ok")]
    told = findings[0].as_json("zh")
    assert (told["name"], told["grade"], "密钥" in told["message"]) == ("key", "fact", True)
    assert not home.folder.exists()


def test_a_healthy_and_a_broken_installation(used: Home, catalog: Catalog) -> None:
    findings = examine(Settings(used), catalog)
    grades = [(f.name, f.grade) for f in findings]
    assert grades == [("key", "note"), ("catalog", "ok"), ("settings", "ok")]
    assert "secrets.key" in str(findings[0].text)
    for path in used.folder.glob("*.json*"):
        path.write_text("{", encoding="utf-8")
    findings = examine(Settings(used), catalog)
    text = "\n".join(str(f.text) for f in findings if f.grade != "ok")
    for name in ("installation", "settings", "state", "secrets"):
        assert f"{name}.json" in text
    assert [f.name for f in findings if f.grade == "problem"] == ["key", "settings"]


@pytest.mark.parametrize("name", ["installation", "settings", "state", "secrets"])
def test_a_file_of_a_newer_version_is_a_problem(used: Home, catalog: Catalog, name: str) -> None:
    path = used.folder / f"{name}.json"
    raw = json.loads(path.read_bytes())
    path.write_text(json.dumps({**raw, "version": 99}), encoding="utf-8")
    findings = examine(Settings(used), catalog)
    wrong = [f for f in findings if f.grade == "problem"]
    assert [f.name for f in wrong] == ["key" if name == "secrets" else "settings"]
    assert f"{name}.json: a newer version of AI-Server Tray wrote it" in str(wrong[0].text)
    assert {f.name for f in findings} == {"key", "catalog", "settings"}


def test_every_wrong_value_is_reported_and_no_secret_shown(used: Home, catalog: Catalog) -> None:
    change_settings(used, mine_PORT="zz", mine_NOTE="a\nb", mine_KEY="a-secret", mine_GONE="x")
    found = problems(used, catalog)
    assert len(found) == 3
    for name, part in (("PORT", "zz"), ("NOTE", ""), ("KEY", "must not contain secrets")):
        assert any(f.startswith(f"settings: mine.{name}: ") and part in f for f in found), name
    assert "a-secret" not in str(found)
    change_settings(used, app_language="klingon")
    assert [one for one in problems(used, catalog) if "app.language" in one]


def test_setting_with_a_wrong_name_is_noted_with_a_suggestion(used: Home, catalog: Catalog) -> None:
    change_settings(used, mine_PROT="1", mine_XYZZY="a-secret", app_bnd="::", gone_PORT="2")
    findings = [f for f in examine(Settings(used), catalog) if f.name == "settings"]
    assert [f.grade for f in findings] == ["note"] * 3
    assert [str(f.text) for f in findings] == [
        "mine.PROT is set, but mine does not declare this setting. Did you mean mine.PORT? "
        "Remove it with: aiserver-tray config unset mine.PROT",
        "mine.XYZZY is set, but mine does not declare this setting. Remove it with: "
        "aiserver-tray config unset mine.XYZZY",
        "app.bnd is set, but app does not declare this setting. Did you mean app.bind? Remove "
        "it with: aiserver-tray config unset app.bnd",
    ]


def test_each_altered_secret_is_reported_and_a_lost_key_once(used: Home, catalog: Catalog) -> None:
    path = used.folder / "secrets.json"
    data = SecretsData.model_validate_json(path.read_bytes())
    data.secrets = dict.fromkeys(data.secrets, "AAAA")
    data.seal()
    path.write_text(data.model_dump_json(), encoding="utf-8")
    wrong = [problem.split(": ")[:2] for problem in problems(used, catalog)]
    assert wrong == [["secrets", "mine.KEY"], ["secrets", "mine.TOKEN"]]
    (used.folder / "secrets.key").unlink()
    (found,) = problems(used, catalog)
    assert found.startswith("key: ")
    assert "secrets.key is missing" in found


def test_a_broken_module_and_damage_are_told(used: Home, catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "catalog/mine/compose.yaml").write_text("services: [\n", encoding="utf-8")
    (used.folder / "settings.json").write_text("{", encoding="utf-8")
    Settings(used).chosen  # noqa: B018 - reading sets the damaged file aside
    findings = examine(Settings(used), load_catalog([tmp_path / "catalog"]))
    assert [(f.name, f.grade) for f in findings][1:] == [
        ("catalog", "problem"),
        ("settings", "ok"),
        ("files", "note"),
    ]
    assert "settings.json.damaged-" in str(findings[-1].text)


def test_a_problem_that_a_setting_fixes_comes_with_it() -> None:
    remedy = set_to(Text("Stop all"), "app.kernel_settings", "true")
    error = ResourcesError(Text("Stop all"), remedies=[remedy])
    (found,) = found_problems("resources", [error])
    assert found.as_json("zh")["remedies"] == [{**remedy, "text": "全部停止"}]
    assert Finding("engine", "ok", Text("Stop all")).as_json("en")["remedies"] == []


def test_a_home_that_is_a_file_is_a_problem(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "file").touch()
    found = problems(Home(tmp_path / "file", "home"), catalog)
    assert {problem.split(": ")[0] for problem in found} == {"key", "settings"}


# -- with the engine and the chosen modules ----------------------------------------------------


@pytest.fixture
def app(used: Home, tmp_path: Path) -> App:
    """The installation with its module chosen, and without an engine."""
    Settings(used).choose(["mine"])
    return App(used.folder, [tmp_path / "catalog"], f"unix://{tmp_path}/none.sock")


def again(app: App) -> App:
    """The installation in the next process."""
    return App(app._home, app._catalogs, app._option)


def told(app: App) -> list[str]:
    found = [f"{f.name}: {f.text}" for f in examine_all(app) if f.grade == "problem"]
    assert found.pop().startswith("engine: ")
    return found


def test_problems_of_chosen_modules_are_told_once(app: App, used: Home, tmp_path: Path) -> None:
    change_settings(used, mine_PORT="zz")
    (problem,) = told(app)
    assert problem.startswith("settings: mine.PORT: ")
    change_settings(used, mine_PORT="1")
    Settings(used).choose(["gone"])
    (problem,) = told(again(app))
    missing = "modules: The chosen module 'gone' was not found in any catalog folder. "
    assert problem.startswith(missing)
    assert "aiserver-tray choose" in problem
    Settings(used).choose(["mine"])
    (tmp_path / "catalog/mine/compose.yaml").write_text("services: [\n", encoding="utf-8")
    (problem,) = told(again(app))
    assert problem.startswith("catalog: ")


PLAIN = "x-aiserver: {kind: basic}\nservices: {main: {image: 'i:1'}}\n"
USER = "x-aiserver: {kind: feature, requires: [%s]}\nservices: {main: {image: 'i:1'}}\n"
VALUELESS = """\
x-aiserver: {kind: feature, settings: {WHERE: {}}}
services: {main: {image: 'i:1', environment: {WHERE: '${WHERE}'}}}
"""


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ("services: [\n", "catalog"),
        (USER % "nowhere", "modules"),
        (VALUELESS, "modules"),
        (None, "modules"),
    ],
    ids=["broken", "requires what is missing", "a setting without a value", "gone"],
)
def test_a_chosen_module_that_can_not_be_had_keeps_none_of_the_others_from_being_examined(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str | None, name: str
) -> None:
    files = {"db": PLAIN, "one": USER % "db", "two": USER % "db", "other": other}
    for folder, text in files.items():
        if text:
            (tmp_path / "catalog" / folder).mkdir()
            (tmp_path / "catalog" / folder / "compose.yaml").write_text(text, encoding="utf-8")
    app.settings.choose(["one", "other", "two", "mine"])
    seen: list[str] = []

    def look(*asked: list[ModuleTarget]) -> list[Finding]:
        seen.extend(target.name for target in asked[-1])
        return []

    monkeypatch.setattr(channels, "examine_engine", look)
    problems = [f.name for f in examine_all(app) if f.grade == "problem"]
    assert problems == [name]
    assert sorted(seen) == ["db", "mine", "one", "two"]


def test_an_installation_without_an_id_is_no_fault_of_the_engine(app: App, used: Home) -> None:
    path = used.folder / "installation.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "version": 99}), encoding="utf-8")
    problems = [f for f in examine_all(app) if f.grade == "problem"]
    assert [f.name for f in problems] == ["settings"]


def fake_engine(app: App, monkeypatch: pytest.MonkeyPatch, drift: float, *notices: Text) -> None:
    """A fake, because neither the memory nor the clock of a real engine is anything to choose."""
    info = SimpleNamespace(
        is_local=True,
        memory=1024**3,
        data_root="/",
        version="1",
        api_version=(1, 45),
        operating_system="any",
    )
    images, address = SimpleNamespace(named=lambda _: []), app.engine().address
    real = SimpleNamespace(info=lambda: info, host="unix:///any", address=address, images=images)
    real.machine = lambda: EngineMachine(1024**3, 1024**4, 1024**4)
    now = datetime.now(UTC)
    real.now = lambda: now + timedelta(seconds=drift)
    # It stands, however long this machine takes from one look at it to the next.
    monkeypatch.setattr(doctor_engine, "datetime", SimpleNamespace(now=lambda _zone: now))
    monkeypatch.setattr(app, "engine", lambda: real)
    monkeypatch.setattr(doctor_engine, "survey", lambda *_: SimpleNamespace(containers=()))
    monkeypatch.setattr(doctor_engine, "preflight", lambda *_: Report((), notices))
    monkeypatch.setattr(doctor_engine, "examine_kernel", lambda *_: KernelReport())


@pytest.mark.parametrize(
    ("notices", "told"),
    [
        ((Text("little memory"),), ["note: little memory"]),
        ((), ["ok: There are enough resources for My own."]),
    ],
)
def test_resources_are_in_order_only_where_nothing_is_noted(
    app: App, monkeypatch: pytest.MonkeyPatch, notices: tuple[Text, ...], told: list[str]
) -> None:
    fake_engine(app, monkeypatch, 0, *notices)
    assert [line[: len(told[0])] for line in examined(app)["resources"]] == told


@pytest.mark.parametrize(
    ("drift", "told"),
    [
        (-3900, "note: The engine's clock is 1:05:00 (hours:minutes:seconds) behind"),
        (90, "note: The engine's clock is 0:01:30 (hours:minutes:seconds) ahead"),
        (-5, "ok: The clocks of engine and computer agree."),
    ],
)
def test_a_clock_of_the_engine_that_differs_is_noted_with_the_mend(
    app: App, monkeypatch: pytest.MonkeyPatch, drift: float, told: str
) -> None:
    fake_engine(app, monkeypatch, drift)
    (line,) = examined(app)["clock"]
    assert line.startswith(told)


# -- how it stands on this machine -----------------------------------------------------------------


@on_linux  # elsewhere, it would be the user's own start at login
def test_start_at_login_and_logs(app: App, used: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(used.folder / "config"))
    monkeypatch.setattr(tray_place, "known_ways", lambda: ())
    assert examined(app)["autostart"] == ["fact: The applet does not start at login."]
    autostart.enable(used, app.start_options)
    (used.folder / "logs").mkdir()
    (used.folder / "logs/crash-tray.log").write_text("Fatal Python error", encoding="utf-8")
    (used.folder / "logs/crash-dashboard.log").touch()
    found = examined(app)
    assert found["autostart"] == ["ok: The applet starts at login."]
    assert found["logs"] == [f"fact: The applet's logs are in {used.folder / 'logs'}."]
    (crash,) = found["crash"]
    assert crash.startswith("note: A part of the applet crashed. ")
    assert "crash-tray.log" in crash


@on_linux
def test_locks_outside_a_login_session_are_reported(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # as a session has it
    assert "locks" not in examined(app)
    folder = tmp_path / f"runtime-{os.geteuid()}"
    folder.mkdir(mode=0o700)
    # What platformdirs falls back to; the machine of the tests may have a session.
    monkeypatch.setattr("platformdirs.user_runtime_path", lambda *_, **__: folder / "aiserver-tray")
    (told,) = examined(app)["locks"]
    assert told.startswith(f"note: You have no login session, so locks and sockets are in {folder}")


@on_linux
def test_whether_the_icon_is_seen_is_reported(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(tray_place, "known_ways", lambda: tray_place.ANY)
    monkeypatch.setattr(tray_place, "why_unavailable", lambda _ways: Text("{why}", why="no panel"))
    assert examined(app)["icon"] == ["note: no panel"]
    monkeypatch.setattr(tray_place, "why_unavailable", lambda _ways: None)
    assert examined(app)["icon"] == ["ok: The desktop can show the applet's icon."]
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "icon" not in examined(app)


def test_how_the_engine_was_found_is_reported(
    app: App, used: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (named,) = examined(app)["address"]
    assert named == f"fact: The engine at unix://{tmp_path}/none.sock is set by --engine."
    Settings(used).change(APP_SETTINGS, {"app.engine": f"unix://{tmp_path}/own.sock"})
    (setting,) = examined(App(used.folder, []))["address"]
    assert setting == f"fact: The engine at unix://{tmp_path}/own.sock is set by app.engine."
    Settings(used).change(APP_SETTINGS, {"app.engine": None})
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    (tmp_path / "config.json").write_text('{"currentContext": "gone"}', encoding="utf-8")
    found, notice = examined(App(used.folder, []))["address"]
    assert "No engine is set" in found
    assert notice.startswith("note: Docker's current context 'gone' has no engine address")
    problems = [f for f in examine_all(App(used.folder, [], "nowhere")) if f.grade == "problem"]
    assert ["--engine" in str(f.text) for f in problems if f.name == "engine"] == [True]


def examined(app: App) -> dict[str, list[str]]:
    """Grade and text of each finding by its name."""
    found: dict[str, list[str]] = {}
    for finding in examine_all(app):
        found.setdefault(finding.name, []).append(f"{finding.grade}: {finding.text}")
    return found
