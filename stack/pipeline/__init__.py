"""The whole pipeline with one command: from a feed to a served query, each stage the command a person would run."""
