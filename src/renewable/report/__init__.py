"""The fleet report: static pages for people, made from published tables and the registry alone."""
