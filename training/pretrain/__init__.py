"""Training an encoder from scratch."""
