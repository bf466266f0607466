"""One key, one payment."""
