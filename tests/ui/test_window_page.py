"""The page as the window shows it, with a stand-in for the window's process."""

import json
from pathlib import Path

from selenium.webdriver import Chrome

from aiserver_tray.carriers.http.httpd import Server
from aiserver_tray.carriers.http.page import Page
from tests.support import states
from tests.ui.home import HomePage

_WINDOW = """
window.asked = [];
const answers = {
  "ai/ui/ready": { page: "logs", language: "en" },
  "ai/logs/follow": {},
};
const invoke = async (channel) => {
  window.asked.push(channel);
  const data = answers[channel];
  const refused = { success: false, code: "E_X", message: channel, data: {} };
  return data ? { success: true, data } : refused;
};
window.pywebview = { api: { invoke } };
"""

_SEND = """
for (const message of JSON.parse(arguments[0])) window.aiserver.receive([message]);
"""
_FOLLOWED = 'return asked.filter((one) => one === "ai/logs/follow").length'
_A_MOMENT = "setTimeout(arguments[0], 500)"
"""In which one more would be asked for."""


def test_logs_are_followed_once_however_often_the_state_changes(
    chromium: Chrome, tmp_path: Path
) -> None:
    served, server = Page(), Server(("127.0.0.1", 0))
    server.start(served.app)
    add = "Page.addScriptToEvaluateOnNewDocument"
    script = chromium.execute_cdp_cmd(add, {"source": _WINDOW})
    try:
        address = f"http://127.0.0.1:{server.server_port}{served.path}#logs"
        page = HomePage(chromium, address, tmp_path)
        page.until(lambda: page.script("return asked.includes('ai/ui/ready')"), "the page is ready")

        def follows(times: int, *events: str) -> None:
            """After *events*, the logs were followed so often."""
            page.script(_SEND, f"[{','.join(events)}]")
            page.until(lambda: page.script(_FOLLOWED) == times, f"{times} times")
            chromium.execute_async_script(_A_MOMENT)
            assert page.script(_FOLLOWED) == times

        changed = f'["ai/snapshot/event",{json.dumps(states.running())}]'
        follows(1, changed)
        page.wait_for(".status")
        follows(1, changed, changed, changed)
        follows(2, '["ai/ui/lost",{}]', changed)
    finally:
        remove = "Page.removeScriptToEvaluateOnNewDocument"
        chromium.execute_cdp_cmd(remove, {"identifier": script["identifier"]})
        chromium.get("about:blank")
        server.close()
