"""Kubernetes: manifests (base, components, overlays), their validation, dashboards. Imports nothing of ours."""
