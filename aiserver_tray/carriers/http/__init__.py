"""The dashboard in web browsers."""
