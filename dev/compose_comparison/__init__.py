"""Compares how Seaway and Docker Compose read compose files, and how Seaway and kompose convert them."""
