"""Our Compose loader held against the official ``docker compose config``."""
