"""Stock, reservations, and the mapping of products to SKUs."""
