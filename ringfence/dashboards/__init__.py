"""The Grafana dashboards, as Python: one module a dashboard. ``python -m ringfence.dashboards`` writes their JSON."""
