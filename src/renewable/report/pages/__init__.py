"""The pages as text: a module for each page, from frames; nothing is read or written here."""
