"""The target of a module on the engine: pure."""
