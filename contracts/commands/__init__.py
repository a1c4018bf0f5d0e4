"""The commands of all contexts."""
