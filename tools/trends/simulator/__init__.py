"""Simulators of Node.js services: telemetry of heaps, and latencies around a deployment."""
