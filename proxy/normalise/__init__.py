"""Any outcome becomes the one envelope."""
