"""Triton Python-based backends: each folder is named as `backend:` in a config.pbtxt.

Triton runs `NAME/model.py` in a process of its own. They need this folder to be called `backends`, as
Triton's own is, and import the standard library, numpy and their engine only: copied into
`/opt/tritonserver/backends` they run in NVIDIA's container.
"""
