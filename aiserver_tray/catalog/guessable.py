"""Values that are no secrets, because they are easy to guess."""

from aiserver_tray.base.i18n import Text

_SECRET_LENGTH = 8
"""Minimum characters of a secret that a user sets (NIST SP 800-63B-3, 5.1.1.1)."""
_PUBLISHED = frozenset(
    """
    postgres postgresql password passw0rd password1 password123 12345678 123456789 1234567890
    changeme changeit changethis change-me change_me changePassword secretkey
    minioadmin minio123 rustfsadmin aSampleMasterKey OneAPI@justsong random_string
    super-secret-key even-more-secret
    infini_rag_flow infini_rag_flow_OS_01 infini_rag_flow_helm
    difyai123456 dify-sandbox WVF5YThaHlkYwhGUSmCRgsX3tD5ngdN8pkih
    sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U
    lYkiYYT6owG+71oLerGzA7GXCgOT++6ovaezWAjpCjf+Sjc3ZtU+qUEi
    QaHbTe77CtuXmsfyhR7+vRjI/+XbV1AaFy691iy+kGDv2Jvy0/eAh8Y1
    dify-agent-run-token-for-dev-only MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY
    """.lower().split()
)
"""Secrets that the modules' own Compose files and the images' documentation publish."""


def why_guessable(text: str) -> Text | None:
    """Why *text* is no secret. None if it may be one."""
    if text.strip().lower() in _PUBLISHED:
        return Text("this value is a published default, so it is not secret. Set your own value")
    if len(text.strip()) < _SECRET_LENGTH:
        return Text(
            "expected at least {length} characters, because a shorter secret is easy to guess",
            length=_SECRET_LENGTH,
        )
    return None
