"""Makes OneAPI a provider of models in RAGFlow, for the account whose API key is given, and offers
there each model that OneAPI has. May run any number of times.

RAGFlow keeps providers by account, so nothing can be done before a person has one. The addresses
are those of RAGFlow 0.27's ``api/apps/restful_apis/provider_api.py``.
"""

import json
import os
import re
import sys
import urllib.request
from typing import Any

RAGFLOW = os.environ.get("RAGFLOW_URL", "http://ragflow:9380") + "/api/v1"
ONEAPI = os.environ.get("ONEAPI_URL", "http://oneapi:3000") + "/v1"
PROVIDER = "OpenAI-API-Compatible"
INSTANCE = "oneapi"
INSTANCES = f"/providers/{PROVIDER}/instances"


def main() -> None:
    key, token = os.environ.get("RAGFLOW_API_KEY"), os.environ.get("RAGFLOW_ONEAPI_TOKEN")
    if not key or not token:
        sys.stdout.write("Nothing to do without RAGFLOW_API_KEY and RAGFLOW_ONEAPI_TOKEN.\n")
        return
    names = sorted({model["id"] for model in request("GET", f"{ONEAPI}/models", token)["data"]})
    ragflow("PUT", "/providers", key, {"provider_name": PROVIDER}, known="already exists")
    known = ragflow("GET", INSTANCES, key)["data"]
    if INSTANCE not in [instance["instance_name"] for instance in known]:
        ragflow("POST", INSTANCES, key, {"instance_name": INSTANCE})
    models = [
        {"model_name": name, "model_type": kinds(name), "max_tokens": 8192, "extra": {}}
        for name in names
    ]
    # Unverified: that would cost a call of each model, and fail where one of them is away.
    instance = {"instance_name": INSTANCE, "api_key": token, "base_url": ONEAPI, "verify": False}
    ragflow("PUT", f"{INSTANCES}/{INSTANCE}", key, instance | {"model_info": models})
    sys.stdout.write(f"OneAPI offers {len(names)} models to RAGFlow.\n")


KINDS = {
    "rerank": "rerank|colbert",
    "embedding": r"embed|bge-|m3e|gte-|text2vec|voyage|mpnet|minilm|\be5-",
    "asr": r"whisper|sensevoice|transcribe|voxtral|\basr\b|-audio\b",
    "tts": r"tts\b|cosyvoice|kokoro|sambert|orpheus",
}
"""Kind of models in RAGFlow (``LLMType``) -> what their names contain; the first that fits."""
SEES = "|".join(
    [
        *("gpt-4o", r"gpt-4\.1", "gpt-5", "claude-", "gemini-", "grok-4", r"kimi-k2\.[5-9]"),
        *(r"qwen3\.[5-9]", "vision", "omni", "pixtral", "internvl", "llava", "qvq", r"vl\b"),
        *("glm-[0-9.]+v", "step-1v"),
    ]
)
"""What the names of chat models that also understand pictures contain."""


def kinds(name: str) -> list[str]:
    """What a model is for, as far as its name tells; OneAPI does not say."""
    for kind, pattern in KINDS.items():
        if re.search(pattern, name, re.IGNORECASE):
            return [kind]
    return ["chat", "vision"] if re.search(SEES, name, re.IGNORECASE) else ["chat"]


def ragflow(
    method: str, path: str, key: str, body: dict[str, Any] | None = None, known: str | None = None
) -> dict[str, Any]:
    """RAGFlow's answer. It refuses with a code in an answer of status 200; *known* is part of the
    message of a refusal that is none to us."""
    answer = request(method, RAGFLOW + path, key, body)
    if answer["code"] != 0 and not (known and known in answer.get("message", "")):
        sys.exit(f"RAGFlow refused {method} {path}: {answer.get('message')}")
    return answer


def request(method: str, url: str, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON that *url* answers; ends the program where it answers anything else."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        asked = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except (OSError, ValueError) as error:
        sys.exit(f"{method} {url}: {error}")


main()
