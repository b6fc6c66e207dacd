"""Artwork candidates, uncleared, from a video file: `matinee artwork extract`."""
