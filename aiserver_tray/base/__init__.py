"""Errors, texts and translations, masking, queues: knows no other package."""
