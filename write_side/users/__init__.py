"""Users, passwords, e-mail addresses and sessions."""
