"""The write side over HTTP."""
