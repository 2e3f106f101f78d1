"""The logs of all our containers, collected into the log store, shown, searched and exported."""
