"""The command line: everything but `serve` and `demo` starts from here."""
