"""The active services, by profile."""

from collections.abc import Collection, Mapping

PROFILES = "COMPOSE_PROFILES"
"""Names the active ones, separated by commas."""


def active_profiles(env: Mapping[str, str], profiles: Collection[str]) -> set[str]:
    """*profiles* and those that *env* activates."""
    return {*profiles, *(profile.strip() for profile in env.get(PROFILES, "").split(","))}


def is_active(service_profiles: Collection[str], profiles: Collection[str]) -> bool:
    """Whether a service with *service_profiles* runs where *profiles* are active."""
    return not service_profiles or "*" in profiles or not set(service_profiles).isdisjoint(profiles)
