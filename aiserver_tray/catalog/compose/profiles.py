"""Which services are active."""

from collections.abc import Collection

PROFILES = "COMPOSE_PROFILES"
"""Names the active ones, separated by commas."""


def is_active(service_profiles: Collection[str], profiles: Collection[str]) -> bool:
    """Whether a service with *service_profiles* runs where *profiles* are active."""
    return not service_profiles or "*" in profiles or not set(service_profiles).isdisjoint(profiles)
