"""Changes of the models one place at a time, each of which a unit test has to notice."""
