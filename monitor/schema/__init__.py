"""JSON Schemas made of dataclasses, and documents checked against them."""
