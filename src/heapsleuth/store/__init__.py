"""What the collector keeps: series, events, incidents, tokens in a database, snapshots in the vault."""
