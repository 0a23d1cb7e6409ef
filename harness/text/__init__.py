"""Plain text taken apart: sentences, scripts, names, mentions, numbers, speeches."""
