"""What the dashboard's pages show: functions from values of store and trends to what templates read."""
