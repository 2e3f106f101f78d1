"""Plain Compose files as modules: what their settings are."""

from pathlib import Path

import pytest

from aiserver_tray.base.errors import CatalogError, SettingError
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.core.app import App
from aiserver_tray.core.targets import missing_values
from aiserver_tray.settings.store import Settings
from aiserver_tray.system.paths import find_home
from tests.unit.module_folders import write


def test_a_plain_file_has_its_variables_as_settings(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        "plain",
        'services: {web: {image: "i:${TAG:-1}", command: ["${FLAG:+on}", "${GREETING}"]}}\n',
    )
    (folder / ".env").write_text("GREETING=hello\n", encoding="utf-8")
    catalog = load_catalog([tmp_path])
    module = catalog.module("plain")
    assert {name: s.initial for name, s in module.settings.items()} == {
        "TAG": "1",
        "FLAG": None,
        "GREETING": "hello",
    }
    web = resolve(catalog, module, {}).project.services["web"]
    assert (web.image, web.command) == ("i:1", ["", "hello"])
    assert resolve(catalog, module, {"plain.TAG": "2"}).project.services["web"].image == "i:2"


def test_the_profiles_of_a_plain_file_are_a_setting(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  web: {image: 'i:1'}\n"
        "  cpu: {image: 'i:1', profiles: [cpu, any]}\n"
        "  gpu: {image: 'i:1', profiles: [gpu, any]}\n"
        "  idle: {image: 'i:1', profiles: ['']}\n"
    )
    folder = write(tmp_path, "plain", text)
    write(tmp_path, "stated", f"x-aiserver: {{kind: feature}}\n{text}")
    catalog = load_catalog([tmp_path])
    (setting,) = catalog.module("plain").settings.items()
    assert (setting[0], setting[1].initial) == ("COMPOSE_PROFILES", None)
    assert setting[1].title == {
        "en": "Active profiles, of: cpu, any, gpu",
        "zh": "启用的 profile，可选：cpu, any, gpu",
    }
    assert catalog.module("stated").settings == {}, "its choices do that"

    def active(values: dict[str, str]) -> list[str]:
        catalog = load_catalog([tmp_path])
        return sorted(resolve(catalog, catalog.module("plain"), values).project.services)

    assert active({}) == ["idle", "web"]
    assert active({"plain.COMPOSE_PROFILES": "gpu"}) == ["gpu", "web"]
    (folder / ".env").write_text("COMPOSE_PROFILES=any\n", encoding="utf-8")
    assert active({}) == ["cpu", "gpu", "web"]
    assert active({"plain.COMPOSE_PROFILES": ""}) == ["idle", "web"]


def test_dotenv_value_made_of_other_variables_follows_their_settings(tmp_path: Path) -> None:
    text = "services: {web: {image: 'i:1', command: ['$STORE', '$URL', '${TAG:+set}']}}\n"
    folder = write(tmp_path, "plain", text)
    (folder / ".env").write_text("STORE=a\nURL=http://${STORE}/${PATH_PART:-x}\n", encoding="utf-8")
    catalog = load_catalog([tmp_path])

    def command(**values: str) -> list[str] | None:
        given = {f"plain.{name}": value for name, value in values.items()}
        return resolve(catalog, catalog.module("plain"), given).project.services["web"].command

    assert command() == ["a", "http://a/x", ""]
    assert command(STORE="b") == ["b", "http://b/x", ""]
    assert command(STORE="b", URL="mine") == ["b", "mine", ""]


def test_setting_equal_to_the_dotenv_value_stays_set(tmp_path: Path) -> None:
    text = "services: {web: {image: 'i:1', command: ['$HOST', '$URL', '${TAG:-1}', '${TAG:+set}']}}"
    folder = write(tmp_path / "catalog", "plain", f"{text}\n")
    (folder / ".env").write_text("HOST=a\nURL=http://${HOST}\nTAG=2\n", encoding="utf-8")
    catalog = load_catalog([tmp_path / "catalog"])
    settings = Settings(find_home(tmp_path / "home"))

    def command() -> list[str] | None:
        values = settings.values(catalog.declared)
        return resolve(catalog, catalog.module("plain"), values).project.services["web"].command

    settings.change(catalog.declared, {"URL": "http://a"})
    settings.change(catalog.declared, {"HOST": "b"})
    assert command() == ["b", "http://a", "2", "set"]
    settings.change(catalog.declared, {"TAG": "1"})
    settings.change(catalog.declared, {"URL": None})
    assert command() == ["b", "http://b", "1", "set"], "the default of the file, but chosen"
    settings.change(catalog.declared, {"HOST": None})
    assert settings.reveal(catalog.declared, "HOST") == "a"


def test_the_defaults_of_a_plain_file_hold_for_those_that_require_it(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    folder = write(root, "plain", "services: {web: {image: 'i:${TAG:-1}', command: ['$HOST']}}\n")
    (folder / ".env").write_text("HOST=a\n", encoding="utf-8")
    write(
        root,
        "stated",
        "x-aiserver: {kind: feature, requires: [plain]}\n"
        "services: {web: {image: 'i:1', command: ['$HOST', '$TAG']}}\n",
    )
    catalog = load_catalog([root])
    stated = catalog.module("stated")
    values = Settings(find_home(tmp_path / "home")).values(catalog.declared)
    assert missing_values(catalog, stated, values) == []
    assert resolve(catalog, stated, values).project.services["web"].command == ["a", "1"]


_SECRET = "correct-horse-battery"


def _guarded(root: Path) -> App:
    """An app with a plain file whose `.env` has secrets, strong and weak."""
    folder = write(
        root / "catalog",
        "plain",
        "services:\n"
        "  db: {image: 'i:1', environment: [DB_PASSWORD, ADMIN_PASS, 'X=${API_KEY:+with}']}\n"
        "  web: {image: 'i:${LLM_MAX_TOKENS:-1}', ports: ['${WEB_PORT:-db}'], user: '$SITE'}\n",
    )
    dotenv = f"DB_PASSWORD={_SECRET}\nADMIN_PASS=db\nSITE=http://$DB_PASSWORD@web\n"
    (folder / ".env").write_text(dotenv, encoding="utf-8")
    return App(root / "home", [root / "catalog"])


def test_variable_with_the_name_of_a_secret_is_a_secret(tmp_path: Path) -> None:
    app = _guarded(tmp_path)
    declared = app.declared
    plain = {a: s for a, s in declared.items() if a.startswith("plain.")}
    shown = {e.address: (e.shown, e.origin) for e in app.settings.entries(plain)}
    assert shown == {
        "plain.DB_PASSWORD": (MASK, "default"),
        "plain.ADMIN_PASS": (MASK, "default"),
        "plain.API_KEY": ("", "none"),
        "plain.LLM_MAX_TOKENS": ("1", "default"),
        "plain.WEB_PORT": ("db", "default"),
        "plain.SITE": (f"http://{MASK}@web", "default"),
    }
    assert app.settings.reveal(declared, "DB_PASSWORD") == _SECRET
    app.settings.change(declared, {"DB_PASSWORD": "another-horse"})
    assert "another-horse" not in (app.settings.folder / "settings.json").read_text()
    assert app.settings.reveal(declared, "DB_PASSWORD") == "another-horse"
    # Nothing is known about the values that the file's software accepts.
    app.settings.change(declared, {"API_KEY": "any"})
    with pytest.raises(SettingError, match="the mask"):
        app.settings.change(declared, {"API_KEY": MASK})
    assert sorted(app.secrets) == ["another-horse", _SECRET], "what is guessed may be any word"


def test_an_empty_secret_of_a_plain_file_is_a_value_and_another_is_masked(tmp_path: Path) -> None:
    app = _guarded(tmp_path)
    app.settings.change(app.declared, {"WEB_PORT": "80"})
    app.settings.change(app.declared, {"DB_PASSWORD": ""})
    (db,) = (s for s in app.target("plain").services if s.service == "db")
    assert "DB_PASSWORD=" in db.body["Env"]
    assert app.settings.reveal(app.declared, "DB_PASSWORD") == ""
    app.settings.change(app.declared, {"DB_PASSWORD": "another-horse"})
    environment = app.targets.resolved("plain").project.services["db"].environment
    assert environment == {"DB_PASSWORD": MASK, "ADMIN_PASS": "db", "X": ""}, "for people"


def test_a_plain_files_secrets_reach_its_services_and_no_text(tmp_path: Path) -> None:
    app = _guarded(tmp_path)
    catalog = app.catalog
    module = catalog.module("plain")
    port = "plain.WEB_PORT"
    db = resolve(catalog, module, {port: "80"}).project.services["db"]
    assert db.environment == {"DB_PASSWORD": _SECRET, "ADMIN_PASS": "db", "X": ""}
    with pytest.raises(CatalogError) as refused:
        resolve(catalog, module, {port: _SECRET})
    assert _SECRET not in str(refused.value)
    assert MASK in str(refused.value)
    with pytest.raises(CatalogError, match="'db'"):  # what everybody guesses may be any word
        resolve(catalog, module, {})
    app.settings.change(app.declared, {"WEB_PORT": _SECRET})
    (problem,) = app.check(tmp_path / "catalog").problems
    assert MASK in str(problem.text)
    assert _SECRET not in str(problem.text)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("secret", "DB_PASSWORD ROOT_PASS JWT_SECRET SECRETS GITHUB_TOKEN API_KEYS APIKEY"),
        ("secret", "SECRETKEY SECRET_KEY_BASE REDISCLI_AUTH REDIS_CONN_STRING SENTRY_DSN PG_PWD"),
        ("secret", "DATABASE_URI POSTGRES_URL MONGODB_URL db_password DB_PASSWORD_2"),
        ("text", "LLM_MAX_TOKENS ALLOW_EMPTY_PASSWORD SSH_PUBLIC_KEY RECAPTCHA_SITE_KEY KEY PORT"),
        ("text", "PASSWORD_FILE TOKEN_LIFETIME BASE_URL KEYCLOAK_PORT MONKEY AUTHOR"),
    ],
)
def test_name_of_a_variable_decides_whether_it_is_a_secret(
    tmp_path: Path, kind: str, names: str
) -> None:
    words = ", ".join(names.split())
    write(tmp_path, "plain", f"services: {{web: {{image: 'i:1', environment: [{words}]}}}}\n")
    settings = load_catalog([tmp_path]).module("plain").settings
    assert {name: s.type for name, s in settings.items()} == dict.fromkeys(names.split(), kind)
