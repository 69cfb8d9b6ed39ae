"""What resolvers do with the market: quote, launch."""
