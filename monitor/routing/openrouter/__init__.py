"""Documents in the shape of OpenRouter's API."""
