"""Who is calling, who may call what, and how often."""
