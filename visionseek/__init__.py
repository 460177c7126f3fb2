"""The kernel: vocabulary, errors, settings, pixels, manifests and the command. Imports nothing of ours."""
