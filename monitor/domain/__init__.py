"""Types that all parts share: status, tier, incident, maintenance window, router ids, file formats, failure, text. Pure."""
