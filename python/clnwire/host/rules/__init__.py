"""What the daemon requires and how it decides. Nothing here does I/O."""
