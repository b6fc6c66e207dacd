"""The path that every initiative takes: contract, pipeline, registry, gates, release, watch."""
