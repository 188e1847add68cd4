"""Documents in the format of OpenRouter's API."""
