"""How the confidence model is trained: recordings → rows of features → weights, held out by package."""
