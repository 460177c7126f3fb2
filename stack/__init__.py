"""The local stack: Triton, the API and the demo on one machine, as child processes."""
