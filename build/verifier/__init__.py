"""The check of the catalog's images on a real engine, as `docs/verify-images.md` describes it."""
