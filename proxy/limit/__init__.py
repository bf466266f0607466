"""Stay within the provider's rate, and within a number in flight."""
