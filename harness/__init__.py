"""Deploydrill rehearses a deployment under load and failure, and prints what it measured next to what was claimed."""

__version__ = "0.1.0"
