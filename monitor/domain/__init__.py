"""Words that all parts share: status, incident, maintenance, router ids, formats. Pure."""
