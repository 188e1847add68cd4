"""JSON Schemas made from types, and JSON values parsed by these types."""
