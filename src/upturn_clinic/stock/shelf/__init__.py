"""The shelf: deliveries, counts, what leaves it, and righting an entry of the register."""
