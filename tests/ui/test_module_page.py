"""The page of a module, in a real browser."""

from selenium.webdriver.support.select import Select

from aiserver_tray.base.errors import InUseError, RefusedError, SettingError
from aiserver_tray.base.i18n import Text, rendered
from aiserver_tray.catalog.permission_kinds import Permission
from aiserver_tray.protocol.message import answer, refusal
from tests.support import states
from tests.support.consents import consent
from tests.ui.answers import ANSWERS
from tests.ui.barriers import violations
from tests.ui.conftest import Stack
from tests.ui.forms import CHOICES, field
from tests.ui.home import HomePage
from tests.ui.modules import BEGIN, BEGUN, DETAILS, connection, dify, service


def at(stack: Stack, address: str) -> HomePage:
    page = stack.home()
    page.script(f"location.hash = '{address}'")
    return page


def test_a_module_shows_its_connections_and_its_accounts_on_request(stack: Stack) -> None:
    account = {"title": "Administrator", "user": "root", "setting": "dify.PASSWORD", "note": ""}
    connections = [
        connection("Administrator", "main"), connection("n8n", "n8n", here=None),
        connection("Key", "", others="http://qdrant:6333", here="http://127.0.0.1:16333"),
    ]  # fmt: skip
    details = DETAILS | {"accounts": [account], "volumes": ["ai-dify-data", "ai-dify-new"]}
    details |= {"connections": connections, "notHere": "Port 5432 is not published."}
    stack.host.answers["ai/module/details"] = answer(details)
    stack.host.answers["ai/config/reveal"] = answer({"value": "a secret <b>"})
    sizes = [{"name": "ai-dify-data", "bytes": 184 << 20}, {"name": "ai-dify-new", "bytes": None}]
    stack.host.answers["ai/stats/volumes"] = answer({"volumes": sizes, "time": BEGUN})
    stack.show(states.snapshot("running", dify(), states.module("redis", "error")))
    page = at(stack, "modules/dify")

    page.wait_for_text("Administrator", ".accounts")
    links = {link.accessible_name for link in page.all(".graph a")}
    assert links == {"PostgreSQL: Stopped", "Redis: Failed"}
    assert "a secret" not in page.text
    page.button("Show the secret of Administrator").click()
    page.wait_for_text("a secret <b>", ".accounts")
    assert stack.host.wait_for_call("ai/config/reveal") == {"name": "dify.PASSWORD"}

    page.wait_for_text("2 volumes, at least 184 MB", ".facts")
    assert stack.host.wait_for_call("ai/stats/volumes") == {"module": "dify"}
    plain = "postgresql://main:a%20secret%20%3Cb%3E@postgres:5432/main"
    page.wait_for_text(plain, ".connect")  # it is the same secret, which is shown
    page.button("From this computer: Hide the password").click()
    page.wait_for_text("postgresql://main:••••••••@127.0.0.1:15432/main", ".connect")
    page.command(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
    )
    page.command("Emulation.setFocusEmulationEnabled", enabled=True)
    assert page.all(".connect .card-foot")
    page.button("Copy: From another module").click()
    page.wait_for_text("cleared in 60 seconds", ".toasts")
    assert page.later("navigator.clipboard.readText().then(arguments[0])") == plain
    assert "a%20secret" not in page.text
    page.script("document.querySelector('#connect-to').value = '1'")
    page.script("document.querySelector('#connect-to').dispatchEvent(new Event('change'))")
    page.wait_for_text("Port 5432 is not published.", ".connect")
    page.script("document.querySelector('#connect-to').value = '2'")
    page.script("document.querySelector('#connect-to').dispatchEvent(new Event('change'))")
    page.wait_for_text("http://qdrant:6333", ".connect")
    assert page.button("Show the secret of Key")
    link = page.button("In its container: Open a terminal").get_property("href")
    assert str(link).endswith("#modules/dify/services/api/terminal")
    assert not page.all(".connect .card-foot"), "no password is copied with an address"

    page.all(".graph a")[0].click()
    page.wait_for("[data-module=postgres]")
    assert page.address.endswith("#modules/postgres")
    assert page.complaints() == []


def test_one_service_is_inspected_and_restarted_alone(stack: Stack) -> None:
    check = {"endedAt": BEGIN.isoformat(), "exitCode": 7, "output": "curl: <i>refused</i>"}
    details = {
        "id": "1" * 64, "imageId": "sha256:2", "lastCheck": check, "exitCode": 0,
        "outOfMemory": False, "error": "", "createdAt": None, "startedAt": None,
        "finishedAt": None, "mounts": [], "environment": ["DB_PASSWORD"],
    }  # fmt: skip
    stack.host.answers["ai/service/inspect"] = answer(details)
    stack.show(states.snapshot("degraded", dify()))
    page = at(stack, "modules/dify/services")

    page.wait_for_text("Unhealthy", "[data-service=worker]")
    page.button("Details of worker").click()
    page.wait_for_text("curl: <i>refused</i>", ".inspected")
    page.wait_for_text("DB_PASSWORD", ".inspected")
    asked = {"module": "dify", "service": "worker"}
    assert stack.host.wait_for_call("ai/service/inspect") == asked
    page.button("Restart worker").click()
    request = {"kind": "restart", "modules": ["dify"], "services": ["worker"]}
    assert stack.host.wait_for_call("ai/operation/start") == request
    stack.host.answers["ai/operation/start"] = refusal(InUseError("dify", ["n8n"]), "en")
    page.button("Stop worker").click()
    page.wait_for("[data-problem=E_IN_USE]")
    assert page.complaints() == []


def test_a_terminal_elsewhere_is_refused_once_and_another_service_keeps_the_user(
    stack: Stack,
) -> None:
    why = RefusedError(Text("only on this computer"), isLocal=False)
    stack.host.answers["ai/terminal/open"] = refusal(why, "en")
    stack.show(states.snapshot("degraded", dify()))
    page = at(stack, "modules/dify/services/api/terminal?user=root")
    page.wait_for_text("only on this computer", ".termend")
    assert [one.text for one in page.all(".termend .button")] == ["Close"]
    Select(page.wait_for("#terminal-service")).select_by_visible_text("worker")
    page.until(lambda: stack.host.wait_for_call("ai/terminal/open")["service"] == "worker", "it")
    assert page.address.endswith("#modules/dify/services/worker/terminal?user=root")
    page.wait_for_text("only on this computer", ".termend")
    page.button("Close").click()
    opener = "return document.activeElement.ariaLabel"
    page.until(lambda: page.script(opener) == "Open a terminal in worker", "where it began")
    assert page.complaints() == []


def test_while_docker_is_off_a_service_has_its_last_known_state(stack: Stack) -> None:
    gone = {"state": "absent", "health": "none", "startedAt": None}
    services = [
        service("api", lastState="running", **gone), service("worker", lastState="exited", **gone),
        service("web", **gone),
    ]  # fmt: skip
    down = states.engine_down()
    modules = [one for one in down["modules"] if one["name"] != "dify"]
    module = dify("engine_down", services=services)
    stack.show(down | {"modules": [*modules, module | {"abilities": modules[0]["abilities"]}]})
    page = at(stack, "modules/dify/services")

    page.wait_for_text("Running at Jan 2, ", "[data-service=api] .pill[data-state=engine_down]")
    page.wait_for_text("Stopped at Jan 2, ", "[data-service=worker] .pill[data-state=engine_down]")
    page.wait_for_text("Not known", "[data-service=web]")
    assert "0 running" not in page.text
    assert page.complaints() == []


def test_data_is_removed_only_with_the_typed_name(stack: Stack) -> None:
    details = DETAILS | {"volumes": ["ai-dify-data"]}
    stack.host.answers["ai/module/details"] = answer(details)
    stack.host.answers["ai/stats/volumes"] = ANSWERS["ai/stats/volumes"]
    stack.show(states.snapshot("running", dify()))
    page = at(stack, "modules/dify")

    page.button("More about Dify").click()
    page.button("Remove…").click()
    page.wait_for("dialog[open] .removal input").click()
    page.wait_for_text("ai-dify-data", "dialog[open]")
    assert page.button("Remove with data").get_attribute("aria-disabled"), "nothing is typed yet"
    page.wait_for("dialog[open] .typed input").send_keys("Dify")
    page.button("Remove with data").click()
    request = {"kind": "down", "modules": ["dify"], "volumes": ["ai-dify-data"]}
    assert stack.host.wait_for_call("ai/operation/start") == request


def test_trust_in_a_module_is_taken_back_and_given_again(stack: Stack) -> None:
    asks = Permission("bind", "/srv", ("dify",)), Permission("host", "/srv/sub", ("dify",))
    question = consent("dify", *asks)
    known = rendered(question.as_data({("bind", "/srv")}))
    details = DETAILS | {"consent": known, "isAllowed": True}
    host = stack.show(states.snapshot("running", dify()))
    host.answers["ai/module/details"] = answer(details)
    host.answers["ai/module/distrust"] = answer({"operationId": "7"})
    page = at(stack, "modules/dify")
    page.wait_for_text("You allowed this", "main")
    assert violations(page) == []
    page.button("Stop trusting").click()
    host.answers["ai/module/details"] = answer(details | {"isAllowed": False})
    page.wait_for("#question[open] .button.danger").click()
    assert host.wait_for_call("ai/module/distrust") == {"name": "dify"}
    page.wait_for_text("Not allowed yet", "main")
    page.button("Allow this and start").click()  # only one of the two is new
    page.wait_for("#question[open] .button.primary").click()
    assert host.wait_for_call("ai/module/trust") == {"name": "dify", "hash": question.hash}
    assert host.wait_for_call("ai/operation/start") == {"kind": "up", "modules": ["dify"]}


def test_a_module_in_another_time_zone_gets_the_computers_by_a_button(stack: Stack) -> None:
    zone = {"setting": "dify.ZONE", "value": "Etc/UTC", "own": "Asia/Shanghai"}
    details = DETAILS | {"timezone": zone}
    host = stack.show(states.snapshot("running", dify()))
    host.answers["ai/module/details"] = answer(details)
    host.answers["ai/config/apply"] = answer({"operationId": "7"})
    page = at(stack, "modules/dify")
    page.wait_for_text("This computer uses Asia/Shanghai", "main .notice")
    assert violations(page) == []
    host.answers["ai/module/details"] = answer(details | {"timezone": None})
    page.button("Use Asia/Shanghai").click()
    changes = {"dify.ZONE": "Asia/Shanghai"}
    request = {"module": "dify", "changes": changes, "when": "now"}
    assert host.wait_for_call("ai/config/apply") == request
    page.until(lambda: not page.all("main .notice"), "no notice")


def test_an_access_token_that_a_choice_needs_is_created(stack: Stack) -> None:
    host = stack.host
    models = field("models", "choice", value="none", default="none", choices=CHOICES)
    token = field("token", "secret", origin="none", tokenOf="oneapi")
    host.answers["ai/config/form"] = answer(
        {"settings": [models, token], "services": [], "previous": None}
    )
    host.answers["ai/config/check"] = answer({"checks": []})
    lacking = SettingError("n8n.token", Text("there is none")).as_json("en")
    host.answers["ai/config/preview"] = {"success": False, **lacking}
    n8n = states.module("n8n", "running")
    stack.show(states.snapshot("running", n8n))
    page = at(stack, "modules/n8n/settings")

    page.wait_for(".choice:nth-child(2) input").click()
    page.wait_for_text("which OneAPI issues", ".will")
    page.wait_for(".will .button").click()
    assert host.wait_for_call("ai/operation/start")["modules"] == ["oneapi"]
    stack.show(states.snapshot("running", n8n, states.module("oneapi", "running")))
    page.wait_for_text("Create access token", ".will")
    page.wait_for(".will .button").click()
    assert host.wait_for_call("ai/module/connect") == {"module": "n8n"}
