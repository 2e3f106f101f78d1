"""The resources that services use, now and before."""
