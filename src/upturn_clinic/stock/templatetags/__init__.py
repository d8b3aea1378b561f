"""How numbers of programmes are written on pages."""
