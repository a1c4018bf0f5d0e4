"""Query handlers: free functions over the read store's `Documents`."""
