"""Grafana dashboards, made by `python -m k8s.dashboards.generate`."""
