"""Leave a failing provider alone."""
