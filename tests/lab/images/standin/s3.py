"""Whether a request has the signature of S3 (version 4), as MinIO and RustFS ask for it:
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import reduce

ALGORITHM = "AWS4-HMAC-SHA256"
HEADER = re.compile(
    rf"{ALGORITHM} Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)"
)


def is_signed(user: str, password: str, target: str, headers: Mapping[str, str]) -> bool:
    """Whether the headers of a GET of *target* are signed with *password* for *user*."""
    found = HEADER.fullmatch(headers.get("Authorization") or "")
    if found is None or found[1] != user:
        return False
    _, scope, names, signature = found.groups()
    path, _, query = target.partition("?")
    signed = [f"{name}:{(headers.get(name) or '').strip()}" for name in names.split(";")]
    payload = headers.get("x-amz-content-sha256") or hashlib.sha256(b"").hexdigest()
    canonical = "\n".join(["GET", path, query, *signed, "", names, payload])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, headers.get("x-amz-date") or "", scope, digest])
    key = reduce(sign, scope.split("/"), f"AWS4{password}".encode())
    return hmac.compare_digest(sign(key, text).hex(), signature)


def sign(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
