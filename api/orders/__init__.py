"""What resolvers do with orders: place, cancel, look back."""
