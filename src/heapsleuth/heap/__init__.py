"""The heap as a graph: reading, indexing and asking it questions."""
