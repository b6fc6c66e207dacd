"""What must hold before a release: one gate per file, each names its figure and its bound."""
