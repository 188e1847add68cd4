"""What the daemon's process needs beside its work."""
