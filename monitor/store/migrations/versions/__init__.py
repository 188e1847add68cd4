"""One script per schema, oldest first. A script is frozen once released: it never imports the current tables."""
