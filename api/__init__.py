"""HTTP applications and the command line."""
