"""What a plugin's author declares. No module here depends on `clnwire._runtime`."""
