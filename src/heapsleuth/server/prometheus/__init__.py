"""For teams that keep Prometheus and Grafana: alert rules and a dashboard on the same metrics."""
