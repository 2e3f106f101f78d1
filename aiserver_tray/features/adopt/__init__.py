"""Programs that run on the engine already, copied into modules of ours."""
