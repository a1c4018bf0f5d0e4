"""Takes over the history of a shop: customers, products and orders."""
