"""Kubernetes: manifests, their validation, dashboards. Imports nothing of ours."""
