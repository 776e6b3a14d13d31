"""Designs: who is compared with whom, by what rule, and how alike the two groups are."""
