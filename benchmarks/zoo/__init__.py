"""A zoo of small torch networks, each with several initialisations, and what training says of them (truth.json)."""
