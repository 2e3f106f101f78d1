"""What runs while there is an engine: watcher, doctor, logs, wiring."""
