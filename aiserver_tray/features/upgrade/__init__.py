"""Upgrades of modules: rehearsed on a copy, then carried out, with a way back."""
