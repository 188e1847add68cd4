"""Types that all parts share: status, incident, maintenance window, router ids, file formats. Pure."""
