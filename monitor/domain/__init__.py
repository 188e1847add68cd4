"""Values and words that all parts share: status, tier, incident, maintenance, router ids, formats, failures. Pure."""
