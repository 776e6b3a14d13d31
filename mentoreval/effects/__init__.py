"""From a design to effects and their uncertainty."""
