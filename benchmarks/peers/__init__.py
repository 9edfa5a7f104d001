"""One folder a peer; every script prints one JSON line."""
