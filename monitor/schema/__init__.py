"""What bodies and documents may hold: types that pydantic validates bodies by, and makes JSON Schemas of."""
