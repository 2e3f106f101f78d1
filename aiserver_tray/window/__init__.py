"""The windows of the dashboard and of the modules."""
