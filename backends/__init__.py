"""Triton Python-based backends: each folder is named as `backend:` in a config.pbtxt."""
