"""Typed steps that run once and are remembered: on a laptop, or one by one under any scheduler."""
