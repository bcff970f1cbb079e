"""One run of a plugin: from its start to its end."""
