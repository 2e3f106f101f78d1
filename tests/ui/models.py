"""Model servers as the page of models gets them."""

from datetime import UTC, datetime

from aiserver_tray.protocol.message import Json

_MODELS = [
    {"name": "qwen3:8b", "kind": "chat", "bytes": 5_225_388_164, "context": 40960},
    {"name": "bge-m3", "kind": "embedding", "bytes": 1_157_672_605, "context": 8192},
]
FOUND: Json = {
    "name": "ollama",
    "title": "Ollama",
    "address": "http://127.0.0.1:11434/v1",
    "state": "on",
    "models": _MODELS,
    "used": False,
    "relay": None,
    "problem": None,
    "hint": "Start Ollama, or run: ollama serve",
}
USED = FOUND | {"used": True, "relay": 11434}
OFF = USED | {
    "state": "off",
    "models": [],
    "problem": "Nothing answers at http://127.0.0.1:11434/v1. "
    "Modules that use Ollama get no answer.",
}
_LM_STUDIO = FOUND | {
    "name": "lm-studio",
    "title": "LM Studio",
    "address": "http://127.0.0.1:1234/v1",
    "state": "off",
    "models": [],
    "hint": "In LM Studio: Developer, then Start server",
}
WORKS: Json = {
    "server": "ollama",
    "title": "Ollama",
    "model": "qwen3:8b",
    "broken": None,
    "problem": None,
    "answer": "The answer is 4.",
    "seconds": 0.94,
}
BROKEN = WORKS | {
    "broken": "way",
    "problem": "Containers get no answer from Ollama: a firewall of this computer drops what they "
    "send. Allow connections from Docker's networks to port 11434, then try again.",
    "answer": None,
    "seconds": None,
}


_REST = [
    {
        "name": "embedding",
        "title": "Search (embedding)",
        "outcome": "untried",
        "text": "Not tried.",
    },
    {"name": "mail", "title": "Mail of n8n", "outcome": "works", "text": "It answers n8n."},
    {"name": "clock", "title": "Clock", "outcome": "works", "text": "The clocks agree."},
]


def checked(result: Json) -> Json:
    """What ``ai/models/check`` answers, now."""
    return {"at": datetime.now(UTC).isoformat(), "results": [result], "rest": _REST}


def listed(*servers: Json, check: Json | None = None) -> Json:
    """What ``ai/models/list`` answers, with one more server that is off."""
    return {
        "servers": [*servers, _LM_STUDIO],
        "waiting": ["n8n", "dify"],
        "checked": check,
        "every": "never",
    }


def own_model(name: str, title: str, kind: str, size: int, **more: object) -> Json:
    """A model of our own, which is not here."""
    given: Json = {
        "name": name,
        "title": title,
        "kind": kind,
        "purpose": "",
        "licence": "Apache-2.0",
        "languages": 100,
        "context": 32768,
        "size": size,
        "memory": size * 2,
        "fits": True,
        "state": "offered",
        "begun": 0,
        "usedMemory": None,
        "rate": None,
        "origin": "Qwen/Qwen3-0.6B-GGUF 23749fefcc72",
        "source": name,
        "general": False,
        "sha256": "",
    }
    return given | more


SMALL = own_model(
    "qwen3-0.6b", "Qwen3 0.6B", "chat", 639_446_688, purpose="Small chat", general=True
)
LOADED = SMALL | {"state": "loaded", "usedMemory": 812_000_000, "rate": 24.2, "sha256": "9465" * 16}
CODER = own_model("qwen2.5-coder-7b", "Qwen2.5 Coder 7B", "chat", 4_680_000_000, fits=False)
LEFT = own_model(
    "old-model", "old-model", "chat", 98_400_000, state="left", begun=98_400_000, source=""
)
EMBEDDING = own_model("qwen3-embedding-0.6b", "Qwen3 Embedding 0.6B", "embedding", 639_150_592)
RERANK = own_model("bge-reranker-v2-m3", "BGE Reranker v2 M3", "rerank", 635_676_416)
PULL: Json = {
    "model": "bge-reranker-v2-m3",
    "phase": "downloading",
    "done": 246_000_000,
    "total": 635_676_416,
    "rate": 18_200_000,
    "secondsLeft": 21,
    "resumed": False,
}


def own_listed(*models: Json, running: bool = True) -> Json:
    """What ``ai/models/own/list`` answers."""
    return {
        "models": [*models],
        "running": running,
        "freeMemory": 6 << 30,
        "freeDisk": 80 << 30,
        "hub": "huggingface.co",
        "onCard": False,
    }


OWN_SERVER = FOUND | {
    "name": "local-models",
    "title": "Local models",
    "address": "http://127.0.0.1:18110/v1",
    "models": [{"name": "qwen3-0.6b", "kind": "chat", "bytes": None, "context": None}],
}
