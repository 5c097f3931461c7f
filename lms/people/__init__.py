"""Who: institutions, organisations, persons, their roles and their sign-ins."""
