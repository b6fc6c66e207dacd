"""Slates: several actions chosen together, where the worth of one depends on the others."""
