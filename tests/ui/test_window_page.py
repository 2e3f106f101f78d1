"""The page as the window shows it, with a stand-in for the window's process."""

import json
from pathlib import Path

from selenium.webdriver import Chrome

from aiserver_tray.contract.http.httpd import Server
from aiserver_tray.contract.http.page import Page
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
const [messages, done] = arguments;
for (const message of JSON.parse(messages)) window.aiserver.receive([message]);
setTimeout(() => done(asked.filter((one) => one === "ai/logs/follow").length), 500);
"""


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

        def followed(*events: str) -> int:
            """How often the logs were followed, after *events*."""
            found: int = chromium.execute_async_script(_SEND, f"[{','.join(events)}]")
            return found

        changed = f'["ai/snapshot/event",{json.dumps(states.running())}]'
        followed(changed)
        page.wait_for(".status")
        assert followed(changed, changed, changed) == 1
        assert followed('["ai/ui/lost",{}]', changed) == 2
    finally:
        remove = "Page.removeScriptToEvaluateOnNewDocument"
        chromium.execute_cdp_cmd(remove, {"identifier": script["identifier"]})
        chromium.get("about:blank")
        server.close()
