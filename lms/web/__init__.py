"""Assembly: home, catalogue, static files, headers, health, and uploaded content's own host."""
