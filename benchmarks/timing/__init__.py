"""How far measured times are from true ones."""
