"""What the parts, wired together, give: targets, previews and outlines of modules."""

import threading
from pathlib import Path

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.base.i18n import Language
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.further_variables import CERTIFICATES
from aiserver_tray.core.app import App
from aiserver_tray.model import Port
from aiserver_tray.operations.preflight.volumes import KEEP
from aiserver_tray.settings.names import CA_CERTIFICATES
from aiserver_tray.spec.model import ServiceTarget
from aiserver_tray.spec.page import page, page_at
from tests.support.certificates import certificates

KEEPING = """
x-aiserver:
  kind: feature
  settings:
    KEY: {type: secret, generate: hex32, keep: true}
    TOKEN: {type: secret}
    FILES: {type: folder}
services:
  web:
    image: busybox:1.37.0
    environment: [KEY, TOKEN]
    volumes: [data:/data, "${FILES:-data}:/files"]
volumes: {data: {}}
"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    folder = tmp_path / "catalog/web"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text(KEEPING, encoding="utf-8")
    return App(tmp_path / "home", [tmp_path / "catalog"])


@pytest.fixture
def given(app: App) -> App:
    """With the one value that only the user can give."""
    app.settings.change(app.declared, {"web.TOKEN": "any-token"})
    return app


def add(app: App, name: str, *lines: str) -> Path:
    """The folder of a further module whose file has *lines*."""
    folder = app.home.folder.with_name("catalog") / name
    folder.mkdir()
    (folder / "compose.yaml").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return folder


def problem_of(app: App, module: str, language: Language = "en") -> str:
    problem = app.model(module).problem
    assert problem is not None
    return problem.render(language)


def test_a_preview_masks_secrets_and_is_the_target_once_they_are_made(given: App) -> None:
    preview = given.preview("web")
    (service,) = preview.services
    assert service.body["Env"] == [f"KEY={MASK}", "TOKEN=any-token"]
    assert given.settings.secrets.names() == {"web.TOKEN"}
    # Nobody has made data with it.
    assert preview.volumes[0].body["Labels"][f"{KEEP}web.KEY"] == "to be made"

    target = given.target("web")
    assert MASK not in str(target.services[0].body)
    assert given.preview("web") == target


def test_a_preview_shows_what_is_missing_as_the_target_does(app: App) -> None:
    with pytest.raises(SettingError) as wanted:
        app.target("web")
    with pytest.raises(SettingError) as found:
        app.preview("web")
    assert found.value.text == wanted.value.text
    assert found.value.data["name"] == "web.TOKEN"


def test_further_variables_reach_their_service_and_no_secret_is_written_plainly(app: App) -> None:
    address, secret = "web.variable.web.discovery.type", "web.secret.web.MORE"
    changes = {"web.TOKEN": "any-token", address: "a $KEY", secret: "more-than-any-token"}
    preview = app.preview("web", changes)

    app.settings.change(app.declared_with(changes), changes)

    (service,) = app.target("web").services
    added = {"discovery.type=a $KEY", "MORE=more-than-any-token"}
    assert added <= {*service.body["Env"]}
    assert added <= {*preview.services[0].body["Env"]}
    assert "more-than-any-token" in app.secrets
    entries = {one.address: one.shown for one in app.settings.entries(app.declared)}
    assert (entries[address], entries[secret]) == ("a $KEY", MASK)
    assert "more-than-any-token" not in (app.home.folder / "settings.json").read_text("utf-8")


def test_a_further_variable_that_the_file_sets_by_now_is_refused_at_the_start(app: App) -> None:
    address = "web.variable.web.KEY"
    app.settings.change(app.declared_with([address]), {"web.TOKEN": "any-token", address: "x"})
    with pytest.raises(SettingError, match="the module itself sets KEY of web"):
        app.target("web")
    app.settings.change(app.declared, {address: None})
    assert app.target("web")


def test_a_folder_of_this_computer_is_only_for_an_engine_on_it(app: App, tmp_path: Path) -> None:
    chosen = {"web.TOKEN": "any-token", "web.FILES": str(tmp_path / "catalog")}
    app.settings.change(app.declared, chosen)
    assert app.target("web")
    remote = App(tmp_path / "home", [tmp_path / "catalog"], "tcp://10.0.0.1:2376")
    with pytest.raises(SettingError, match="the engine is on another computer"):
        remote.target("web")


def test_own_certificates_are_a_file_of_each_service_and_named_to_its_programs(
    given: App, tmp_path: Path
) -> None:
    app = given
    before = app.target("web").services[0]
    certificates(tmp_path, "lab")
    file = tmp_path / "ca.pem"
    app.settings.change(app.declared, {CA_CERTIFICATES: str(file)})

    (service,) = app.target("web").services

    (added,) = service.files
    assert (added.path, added.mode, added.uid) == (CERTIFICATES, 0o444, 0)
    assert added.content.startswith(file.read_bytes())
    assert len(added.content) > len(file.read_bytes()), "without the public ones"
    names = {"NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    new = {*service.body["Env"]} - {*before.body["Env"]}
    assert new == {f"{name}={CERTIFICATES}" for name in names}
    assert app.preview("web").services[0].config_hash == service.config_hash

    certificates(tmp_path, "lab")
    assert app.target("web").services[0].config_hash != service.config_hash, "they are others"
    file.unlink()
    with pytest.raises(SettingError, match=r"config unset app\.ca_certificates"):
        app.target("web")
    certificates(tmp_path, "lab")

    own = {"web.variable.web.SSL_CERT_FILE": "/mine.pem"}
    app.settings.change(app.declared_with(own), own)
    assert "SSL_CERT_FILE=/mine.pem" in app.target("web").services[0].body["Env"]
    app.settings.change(app.declared, {**dict.fromkeys(own), CA_CERTIFICATES: None})
    assert app.target("web").services[0] == before


PROXY = "http://someone:p%40ss-word@proxy.example:3128"
MODE, ADDRESS = "web.proxy-mode", "web.proxy-address"


def test_a_module_has_a_proxy_of_its_own_or_none_and_the_password_stays_secret(given: App) -> None:
    app = given
    before = app.target("web").services[0]
    assert before.proxies is None
    changes = {MODE: "own", ADDRESS: PROXY, "web.proxy-exceptions": ".corp.example"}

    def change(changes: dict[str, str | None]) -> ServiceTarget:
        app.settings.change(app.declared_with(changes), changes)
        return app.target("web").services[0]

    own = change({**changes})

    assert own.proxies == {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY, "NO_PROXY": ".corp.example"}
    assert {"someone:p@ss-word", "p@ss-word", PROXY} <= {*app.secrets}
    assert "ss-word" not in (app.home.folder / "settings.json").read_text("utf-8")
    none = change({MODE: "none"})
    assert none.proxies == {}
    assert len({before.config_hash, own.config_hash, none.config_hash}) == 3
    assert change(dict.fromkeys(changes)) == before


def test_a_proxy_needs_an_address_that_containers_reach(app: App) -> None:
    app.settings.change(app.declared_with([MODE]), {"web.TOKEN": "any-token", MODE: "own"})
    with pytest.raises(SettingError, match="it has no value") as found:
        app.target("web")
    assert found.value.data["name"] == ADDRESS
    declared = app.declared_with([ADDRESS])
    for wrong in ("proxy:3128", "ftp://proxy", "http://", "http://a b", "http://u:s3cret@p:x"):
        with pytest.raises(SettingError, match="expected an address") as found:
            app.settings.change(declared, {ADDRESS: wrong})
        assert "s3cret" not in str(found.value)
    with pytest.raises(SettingError, match="is the container itself"):
        app.settings.change(declared, {ADDRESS: "http://127.0.0.1:7890"})


def test_the_outline_of_a_broken_module_says_where_it_is_broken(app: App) -> None:
    file = add(app, "broken", "services: [}") / "compose.yaml"
    assert problem_of(app, "broken").startswith(f"{file}:1: ")
    assert problem_of(app, "broken", "zh").startswith(f"{file}:1：")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("web", "depends_on: expected a mapping, found 'web'"),
        ("[[web]]", "depends_on: expected a mapping, found a list"),
        ("{web: }", "depends_on.web: expected a mapping, found nothing"),
    ],
)
def test_a_wrong_depends_on_costs_its_own_module_only(app: App, given: str, why: str) -> None:
    services = f"{{api: {{image: 'i:1', depends_on: {given}}}, web: {{image: 'i:1'}}}}"
    folder = add(app, "bad", f"services: {services}")
    problem = problem_of(app, "bad")
    assert problem.endswith(why)
    assert problem == app.check(folder).problems[0].render("en")
    assert app.model("web").problem is None


def test_a_bug_in_one_module_is_its_problem(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise KeyError("a value that nobody may see")

    monkeypatch.setattr("aiserver_tray.spec.outline.module_model", stumble)

    model = app.model("web")
    assert (model.name, model.kind) == ("web", "feature")
    assert "KeyError, test_app.py:" in problem_of(app, "web")
    assert "nobody may see" not in problem_of(app, "web")


@pytest.mark.parametrize(
    ("bind", "opened"),
    [
        ("127.0.0.1", "http://localhost:80/a?b=localhost"),
        ("0.0.0.0", "http://localhost:80/a?b=localhost"),
        ("::", "http://localhost:80/a?b=localhost"),
        ("192.168.7.5", "http://192.168.7.5:80/a?b=localhost"),
        ("127.0.0.2", "http://127.0.0.2:80/a?b=localhost"),
        ("fd00::5", "http://[fd00::5]:80/a?b=localhost"),
    ],
)
def test_a_page_is_where_the_ports_are_published(app: App, bind: str, opened: str) -> None:
    page = "x-aiserver: {kind: feature, open: 'http://localhost:80/a?b=localhost'}"
    add(app, "page", page, "services: {web: {image: 'i:1', ports: ['80:80']}}")
    app.settings.change(app.declared, {"app.bind": bind})

    assert app.model("page").open == opened
    assert app.preview("page").open == opened


@pytest.mark.parametrize(
    ("extension", "pages"),
    [
        ("", (("ui", 3000), ("ui", 80), ("api", 9000), ("api", 9001))),
        ("x-aiserver: {kind: feature, open: false}", ()),
        ("x-aiserver: {kind: feature, no_page: [9000, 80]}", (("ui", 3000), ("api", 9001))),
    ],
    ids=["plain", "without a page", "with other ports"],
)
def test_published_ports_may_be_web_pages_unless_they_are_known_as_something_else(
    app: App, extension: str, pages: tuple[tuple[str, int], ...]
) -> None:
    add(
        app,
        "page",
        f"{extension}\nservices:",
        "  db: {image: 'i:1', ports: ['15432:5432', '53:53/udp']}",
        "  ui: {image: 'i:1', ports: ['3000', {target: 80, published: '20080'}, '222:22']}",
        "  api: {image: 'i:1', ports: ['9000-9001:9000-9001']}",
    )
    assert app.model("page").pages == pages
    assert app.preview("page").model.pages == pages


@pytest.mark.parametrize(
    ("port", "address"),
    [
        (Port("0.0.0.0", 1, 80), "http://localhost:1"),
        (Port("127.0.0.2", 1, 8443), "https://127.0.0.2:1"),
        (Port("fd00::5", 1, 80), "http://[fd00::5]:1"),
    ],
)
def test_a_port_is_shown_where_it_is_published(port: Port, address: str) -> None:
    assert page_at(port) == address


@pytest.mark.parametrize("address", ["http://localhost.example.com", "https://10.0.0.1:80", None])
def test_only_this_machine_is_another_host(address: str | None) -> None:
    assert page(address, "192.168.7.5") == address


def test_a_core_that_does_not_come_to_begin_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_app: App) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(App, "read", interrupt)
    before = set(threading.enumerate())

    with pytest.raises(KeyboardInterrupt), App(tmp_path, [], "unix:///nowhere").core():
        pass

    assert set(threading.enumerate()) <= before


def test_check_takes_what_a_plain_file_requires_from_the_settings(app: App) -> None:
    key = "services: {web: {image: 'i:1', command: ['${KEY:?the key}']}}"
    folder = add(app, "plain", key)
    assert len(app.check(folder).problems) == 1
    app = App(app.home.folder, [folder.parent])
    app.settings.change(app.declared, {"plain.KEY": "mine"})
    assert app.check(folder).problems == app.check(None).problems == []


def test_a_module_that_an_operation_publishes_is_the_one_that_is_shown_before(app: App) -> None:
    add(
        app,
        "page",
        "x-aiserver:",
        "  kind: feature",
        "  title: {en: Page, zh: 网页}",
        "  summary: {en: Shows a page}",
        "  icon: globe",
        "  open: http://localhost:80",
        "services:",
        "  a: {image: 'a:1', deploy: {resources: {limits: {memory: 1g}}}, mem_limit: 1073741824}",
        "  web: {image: 'i:1', ports: ['80:80'], mem_limit: 512m, x-aiserver: {main: true}}",
    )
    before = app.model("page")
    assert app.target("page").model == before
    assert before.icon == "globe"
    assert [(s.memory, s.is_main) for s in before.services] == [(1 << 30, False), (1 << 29, True)]
