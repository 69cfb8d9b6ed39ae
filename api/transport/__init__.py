"""GraphQL over HTTP and WebSocket, the pages, health, and the server under them."""
