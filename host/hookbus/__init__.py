"""hookbus."""
