"""Alembic's folder: `versions/` holds one script per schema, run by `monitor.store._migrate`, never by hand."""
