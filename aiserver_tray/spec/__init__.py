"""What has to be on the engine for a module: pure."""
