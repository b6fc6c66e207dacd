"""Features declared once, computed by three engines.

A `Feature` is an aggregation of events over a window before a moment. A `FeatureView` is a named, versioned
set of them for one kind of entity. DuckDB and Spark compute a view for labels of the past (`backfill`), the
online evaluator for one entity now; `moments` states the rules of time that all of them keep.
"""
