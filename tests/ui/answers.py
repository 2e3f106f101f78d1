"""What the owner answers to each page, so that the page has all that it can show."""

from typing import Any

from aiserver_tray.protocol.message import Envelope, answer
from tests.support import adoptions, backups, clusters, states
from tests.ui import activities, alerts, forms, kept_logs, models, modules


def _settings(*entries: dict[str, Any]) -> Envelope:
    base = {"type": "text", "origin": "default", "keep": False, "choices": {}, "help": ""}
    return answer({"entries": [base | entry for entry in entries]})


_ABOUT = {
    "version": "1",
    "home": "/home",
    "engine": "unix://x",
    "engineOrigin": "The engine at unix://x is set by DOCKER_HOST.",
    "engineSetting": "",
    "canSwitchEngine": True,
}
_ACCOUNT = {"title": "Administrator", "user": "root", "setting": "dify.PASSWORD", "note": ""}
_CONNECTIONS = [
    modules.connection("Administrator", "postgres"),
    modules.connection("n8n", "n8n"),
    modules.connection("n8n", "", here=None),
]
_LANGUAGES = {"system": "As the system", "en": "English", "zh": "中文"}
_THEMES = {"system": "As the system", "light": "Light", "dark": "Dark"}
_CHOICES: dict[str, dict[str, str]] = {"app.language": _LANGUAGES, "app.theme": _THEMES}
_NEEDS = dict.fromkeys(("download", "memory", "disk"), 1 << 30)

ANSWERS: dict[str, Envelope] = {
    "ai/config/get": _settings(
        *(
            {"address": name, "title": name, "type": "choice", "value": "system", "choices": given}
            for name, given in _CHOICES.items()
        ),
        {"address": "app.notify_engine", "title": "Docker", "type": "boolean", "value": "true"},
        {
            "address": "app.alert_webhook",
            "title": "Webhook",
            "type": "secret",
            "origin": "set",
            "value": "********",
        },
        {"address": "app.logs_keep", "title": "Keep logs", "type": "boolean", "value": "true"},
        {"address": "app.logs_not_kept", "title": "Not kept", "value": "ragflow redis"},
        {"address": "app.engine", "title": "Docker", "value": "", "help": "Its address"},
        {"address": "app.engines", "title": "Engines", "value": "server=ssh://ada@server"},
        {"address": "app.mirrors", "title": "Registry mirrors", "value": "a.example b.example"},
        {"address": "n8n.N8N_HOST_PORT", "title": "Port", "value": "5678", "type": "port"},
    ),
    "ai/app/about": answer(_ABOUT | {"catalogs": ["/home/modules"], "moduleFolders": ["/w/mine"]}),
    "ai/system/autostart": answer({"enabled": False, "supported": True}),
    "ai/logs/kept": answer(kept_logs.KEPT),
    "ai/rules/list": answer(alerts.listed()),
    "ai/adopt/list": answer(
        adoptions.sent(adoptions.KIT, adoptions.SERVER, adoptions.OLD, adoptions.COPIED)
    ),
    "ai/cluster/list": answer(clusters.sent(clusters.CLUSTER, works=[clusters.WORK])),
    "ai/cluster/watch": answer({}),
    "ai/cluster/unwatch": answer({}),
    "ai/backup/list": answer(backups.sent(backups.LISTED)),
    "ai/backup/offer": answer(backups.sent(backups.OFFER)),
    "ai/backup/inspect": answer(backups.sent(backups.ASKED)),
    "ai/models/list": answer(models.listed(models.USED)),
    "ai/models/own/list": answer(
        models.own_listed(models.LOADED, models.CODER, models.EMBEDDING, models.RERANK)
    ),
    "ai/models/check": answer({"results": [models.WORKS]}),
    "ai/rules/preview": answer(alerts.COUNTED),
    "ai/activity/list": answer({"activities": [activities.start_all(), activities.FAILED]}),
    "ai/config/form": answer(forms.FORM),
    "ai/doctor/run": answer({"checks": activities.CHECKS}),
    "ai/app/welcome": answer({"pending": False}),
    "ai/modules/needs": answer({"modules": [_NEEDS | {"name": name} for name in states.TITLES]}),
    "ai/engine/found": answer({"engines": []}),
    "ai/engine/setup": answer({"system": "linux", "choices": [], "install": None, "error": None}),
    "ai/module/details": answer(
        modules.DETAILS
        | {"accounts": [_ACCOUNT], "volumes": ["ai-dify-data"], "connections": _CONNECTIONS}
    ),
    "ai/stats/volumes": answer(
        {"volumes": [{"name": "ai-dify-data", "bytes": 184 << 20}], "time": modules.BEGUN}
    ),
}
"""By channel."""
