"""One run of a plugin: start-up, serving, and shutdown."""
