"""One group of routes per file; each has `router(context)`."""
