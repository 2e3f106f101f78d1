"""A valid payload for each channel."""

from collections.abc import Mapping

from aiserver_tray.core.app import built_in_catalog
from aiserver_tray.protocol.message import Json

PORT = "web.WEB_PORT"
BASE = {"name": "base"}
FOLDER = {"folder": str(built_in_catalog() / "features/n8n")}
PAYLOADS: Mapping[str, Json] = {
    "ai/stats/csv": {"save": True},
    "ai/catalog/add": FOLDER,
    "ai/catalog/check": FOLDER,
    "ai/catalog/folders": FOLDER,
    "ai/catalog/remove": FOLDER,
    "ai/cleanup/run": {"ids": ["image none"]},
    "ai/config/apply": {"module": "web", "changes": {PORT: "18996"}, "when": "later"},
    "ai/config/check": {"module": "web", "changes": {PORT: "18997"}},
    "ai/config/form": {"module": "web"},
    "ai/config/preview": {"module": "web", "changes": {PORT: "18997"}},
    "ai/config/restore": {"module": "web", "when": "later"},
    "ai/config/reveal": {"name": "web.WEB_KEY"},
    "ai/config/set": {"name": PORT, "value": "18997"},
    "ai/logs/around": {"cursor": "0-0"},
    "ai/logs/cancelExport": {"id": "none"},
    "ai/logs/client/append": {"message": "a line of a page"},
    "ai/logs/delete": {"module": "base"},
    "ai/logs/errors": {"filter": {}},
    "ai/logs/export": {"filter": {}},
    "ai/logs/follow": {"streamId": "kept", "filter": {}},
    "ai/logs/histogram": {"filter": {}, "begin": 0, "end": 1},
    "ai/logs/lines": {"filter": {}},
    "ai/logs/next": {"readingId": "read"},
    "ai/logs/read": {"readingId": "read", "filter": {}},
    "ai/logs/unfollow": {"streamId": "kept"},
    "ai/module/clear": BASE,
    "ai/module/connect": {"module": "base"},
    "ai/module/details": BASE,
    "ai/module/disconnect": {"module": "base"},
    "ai/module/distrust": {"name": "side"},
    "ai/module/firstStart": BASE,
    "ai/module/logsAttach": {**BASE, "streamId": "each"},
    "ai/module/logsDetach": {"streamId": "each"},
    "ai/module/open": {"name": "web"},
    "ai/module/restart": BASE,
    "ai/module/start": BASE,
    "ai/module/status": BASE,
    "ai/module/stop": BASE,
    "ai/module/trust": BASE,
    "ai/operation/cancel": {"id": "1"},
    "ai/operation/plan": {"kind": "up", "modules": ["base"]},
    "ai/operation/start": {"kind": "stop", "modules": ["base"], "untilEnd": True},
    "ai/operation/wait": {"id": "1"},
    "ai/rules/add": {"kind": "line", "pattern": "refused"},
    "ai/rules/mute": {"module": "base", "span": "hour"},
    "ai/rules/preview": {"kind": "line", "pattern": "refused"},
    "ai/rules/remove": {"id": "ended"},
    "ai/rules/set": {"id": "ended", "on": False},
    "ai/service/inspect": {"module": "base", "service": "base"},
    "ai/support/write": {"path": "/nowhere/bundle.zip"},
    "ai/system/openExternal": {"url": "http://127.0.0.1:9/a?b=c"},
    "ai/stats/volumes": {"module": "base"},
    "ai/terminal/open": {"module": "base", "service": "base", "rows": 24, "columns": 80},
    "browser/open": {
        "address": "127.0.0.1",
        "port": 0,
        "token": "t" * 32,
        "session": "s" * 32,
        "page": "p" * 32,
    },
}
"""Channel -> payload, where that is not empty."""
