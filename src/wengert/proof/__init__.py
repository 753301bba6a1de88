"""Numerical proof: every gradient against derivatives made without the table's partials."""
