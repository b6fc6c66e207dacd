"""Posters that are drawn, not photographed: several honest images for any title, as SVG, offline."""
