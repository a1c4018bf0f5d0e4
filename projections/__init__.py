"""From events to documents: pure projectors and what runs them."""
