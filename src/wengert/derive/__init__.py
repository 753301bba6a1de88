"""Derivatives: from a Program to a Program."""
