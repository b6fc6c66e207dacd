"""How the result of a step becomes files and comes back: one way per file, chosen by the type."""
