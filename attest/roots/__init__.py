"""Root stores: certificates as makers publish them, to one PEM file and a lock file beside it."""
