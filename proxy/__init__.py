"""Paysluice: a sidecar between an application and its payment providers."""
