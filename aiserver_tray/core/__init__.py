"""Parts that need a running engine: watcher, doctor, logs, wiring."""
