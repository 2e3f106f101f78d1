"""The support bundle: what helps others to find a problem, without secrets."""
