"""Steps from one version of the database to the next, run when it is opened."""
