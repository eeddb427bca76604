"""
One module per version of the database, the oldest first.

1: first.
"""
