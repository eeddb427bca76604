"""What `make eval-trends` judges: verdicts about series whose truth is known."""
