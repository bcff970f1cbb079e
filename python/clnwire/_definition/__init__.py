"""What an author declares. Nothing here knows of a run."""
