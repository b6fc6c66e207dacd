"""The life of an initiative: train, evaluate, release, roll back, look."""
