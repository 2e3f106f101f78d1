"""The hash that tells whether what an object was made from has changed."""

import hashlib
import json


def digest(whole: object) -> str:
    """SHA-256 over *whole*, which can be made JSON."""
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
