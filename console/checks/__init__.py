"""The checks of `parley doctor`, by what they look at; none of them changes anything."""
