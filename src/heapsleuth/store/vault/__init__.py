"""Where snapshots are kept: one kind of storage per file."""
