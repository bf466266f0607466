"""Shared by the tests: a fake clock, a scripted service, calls and outcomes to begin from."""
