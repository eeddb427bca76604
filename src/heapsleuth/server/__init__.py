"""The collector that `heapsleuth serve` runs: API, authorization, watching, alerts, dashboard."""
