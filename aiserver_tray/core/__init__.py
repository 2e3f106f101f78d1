"""One installation at work: engine, state, catalog, settings and operations together."""
