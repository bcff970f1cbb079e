"""Where an author registers what a plugin offers: a module for each part."""
