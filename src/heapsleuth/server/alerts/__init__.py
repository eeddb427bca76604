"""Where alerts go: one kind of receiver per file."""
