"""Readers: one a format, each a stream of rows."""
