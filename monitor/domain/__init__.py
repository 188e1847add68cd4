"""Types of all parts: status, tier, incident, maintenance window, router ids, file formats, failures, texts. Pure."""
