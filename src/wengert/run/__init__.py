"""From a Program to numbers."""
