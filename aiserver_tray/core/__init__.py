"""Parts that need a running engine: watcher, doctor, support bundle, logs, wiring."""
