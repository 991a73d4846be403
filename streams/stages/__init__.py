"""The stages, one file each; what they depend on is given to them."""
