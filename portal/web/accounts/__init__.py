"""Who somebody is: signing in and out, sessions, and a person's own page."""
