"""Clients of the user's own, for services that do not speak HTTP: in Python, or any program that speaks JSON lines."""
