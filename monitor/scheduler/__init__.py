"""When which endpoint is probed, and what that may cost."""
