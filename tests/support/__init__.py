"""Helpers that the tests of several levels use."""
