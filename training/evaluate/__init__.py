"""Relevance evaluation: does the right product come first?"""
